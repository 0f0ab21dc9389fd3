/* The keyboard controller, an 8042, and ports without a device. */
#include "checks.h"
#include "devices.h"

#define DATA 0x60
#define COMMAND 0x64
#define NO_ANSWER 0x100

static unsigned answer(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        if (in8(COMMAND) & 1)
            return in8(DATA);
        spin(200);
    }
    return NO_ANSWER;
}

static void drain(void)
{
    for (unsigned i = 0; i < 32 && in8(COMMAND) & 1; i++)
        (void)in8(DATA);
}

static void command(uint8_t value)
{
    for (unsigned i = 0; i < 20000 && in8(COMMAND) & 2; i++)
        spin(200);
    out8(COMMAND, value);
}

static void data(uint8_t value)
{
    for (unsigned i = 0; i < 20000 && in8(COMMAND) & 2; i++)
        spin(200);
    out8(DATA, value);
}

void check_keyboard(void)
{
    drain();
    command(0x20);
    unsigned before = answer();
    command(0x60);
    data((uint8_t)(before & ~3u)); /* no interrupts */
    command(0xaa);
    check("keyboard controller: self-test", answer(), 0x55);
    command(0x60);
    data((uint8_t)(before & ~3u));
    command(0x20);
    check("keyboard controller: command byte", answer() & 3, 0);
    command(0xab);
    check("keyboard controller: test of the first port", answer(), 0);
    command(0xae);
    data(0xee);
    check("keyboard: echo", answer(), 0xee);
    data(0xf5);
    check("keyboard: acknowledges", answer(), 0xfa);
    check("keyboard controller: no reset is asked for", in8(COMMAND) & 4, 4);
    drain();
    command(0x60);
    data((uint8_t)before);
}

#define PORT_NOTHING 0x2340

void check_ports(void)
{
    out8(PORT_NOTHING, 0);
    check("a port without a device, 8 bits", in8(PORT_NOTHING), 0xff);
    check("a port without a device, 16 bits", in16(PORT_NOTHING), 0xffff);
    check("a port without a device, 32 bits", in32(PORT_NOTHING), 0xffffffff);
}
