/* The IO-APIC, where ACPI's tables say that it is; here where it is on a PC. */
#include "checks.h"
#include "devices.h"
#include "local_apic.h"

#define PHYSICAL 0xfec00000
#define SELECT 0
#define WINDOW 4 /* in words of 32 bits */
#define VERSION 1
#define ENTRY(pin) (0x10 + 2 * (pin))
#define MASKED 0x10000
#define LEVEL 0x8000
#define REMOTE 0x4000 /* a level-triggered interrupt is in service */
#define TIMER_PIN 2
#define VECTOR 0x58
#define SERIAL_ENABLE 0x3f9
#define SERIAL_IDENTITY 0x3fa
#define SERIAL_MODEM 0x3fc

static volatile uint32_t *registers;

static uint32_t io_read(uint8_t at)
{
    registers[SELECT] = at;
    return registers[WINDOW];
}

static void io_write(uint8_t at, uint32_t value)
{
    registers[SELECT] = at;
    registers[WINDOW] = value;
}

static void route(unsigned pin, uint32_t low)
{
    io_write((uint8_t)(ENTRY(pin) + 1), apic_read(APIC_ID));
    io_write((uint8_t)ENTRY(pin), low);
}

static unsigned came;
static uint32_t entry_in_handler;
static bool was_level;

static bool serve_serial(unsigned vector)
{
    came++;
    entry_in_handler = io_read(ENTRY(LINE_SERIAL));
    was_level = apic_has(APIC_TRIGGER, vector);
    if (came == 3)
        out8(SERIAL_ENABLE, 0); /* the line falls */
    apic_write(APIC_END, 0);
    return true;
}

static void check_level(void)
{
    out8(SERIAL_MODEM, 0x0b);
    out8(SERIAL_ENABLE, 0);
    (void)in8(SERIAL_IDENTITY);
    interrupt_handler = serve_serial;
    came = 0;
    route(LINE_SERIAL, LEVEL | VECTOR);
    out8(SERIAL_ENABLE, 2);
    for (unsigned i = 0; i < 20; i++)
        interrupts_allow();
    check("IO-APIC: a level comes until it falls", came, 3);
    check("IO-APIC: it is in service at both", entry_in_handler & REMOTE, REMOTE);
    check("IO-APIC: the local APIC knows that it is a level", was_level, 1);
    check("IO-APIC: and is served after its end", io_read(ENTRY(LINE_SERIAL)) & REMOTE, 0);
    route(LINE_SERIAL, MASKED);
    out8(SERIAL_ENABLE, 0);
}

static bool serve_timer(unsigned vector)
{
    (void)vector;
    apic_write(APIC_END, 0);
    return true;
}

static void check_edges(void)
{
    interrupt_handler = serve_timer;
    route(TIMER_PIN, MASKED | VECTOR);
    check("IO-APIC: an entry is read back", io_read(ENTRY(TIMER_PIN)) & 0x1afff, MASKED | VECTOR);
    interrupt_total = 0;
    timer_load(0, 0, 100);
    wait_microseconds(500);
    interrupts_allow();
    check("IO-APIC: a masked pin is silent", interrupt_total, 0);
    route(TIMER_PIN, VECTOR);
    timer_load(0, 0, 100);
    unsigned singles = interrupts_await_late(1);
    singles += interrupts_await(1, 1000);
    check("IO-APIC: the timer comes by pin 2, once", singles, 1);
    check("IO-APIC: with its vector", interrupt_last, VECTOR);
    timer_load(0, 2, 1000);
    check("IO-APIC: and again and again", interrupts_await_late(3), 3);
    timer_load(0, 0, 0xffff);
    interrupts_allow();
    io_write(ENTRY(TIMER_PIN), MASKED);
}

void check_io_apic(void)
{
    if (!apic_exists()) {
        check_absent(12);
        return;
    }
    uint8_t modem = in8(SERIAL_MODEM);
    apic_begin();
    registers = physical_view(PHYSICAL);
    check("IO-APIC: its version", (io_read(VERSION) & 0xf0) <= 0x20 && (io_read(VERSION) & 0xff) >= 0x11, 1);
    check("IO-APIC: it has 24 pins", (io_read(VERSION) >> 16 & 0xff) + 1, 24);
    io_write(ENTRY(5) + 1, 0xab000000);
    check("IO-APIC: a destination is read back", io_read(ENTRY(5) + 1) & 0x0f000000, 0x0b000000);
    io_write(ENTRY(5) + 1, 0);
    check_edges();
    check_level();
    out8(SERIAL_MODEM, modem);
    apic_finish();
}
