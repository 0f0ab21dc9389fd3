/* The first serial line, a 16550A. It is the console too, so results are kept until it is one again. */
#include "checks.h"
#include "devices.h"

#define BASE 0x3f8
#define DATA (BASE + 0)
#define ENABLE (BASE + 1)
#define IDENTITY (BASE + 2)
#define FIFO (BASE + 2)
#define LINE (BASE + 3)
#define MODEM (BASE + 4)
#define LINE_STATUS (BASE + 5)
#define MODEM_STATUS (BASE + 6)
#define SCRATCH (BASE + 7)
#define LOOPBACK 0x10
#define READY 0x0b /* DTR RTS OUT2 */
#define LESS 8 /* in the identity: less than the trigger level, for a while; on a busy machine that comes first */
#define RESULTS_MAX 64

static struct {
    const char *name;
    uint64_t got, wanted;
} results[RESULTS_MAX];
static unsigned result_count;

static void result(const char *name, uint64_t got, uint64_t wanted)
{
    results[result_count].name = name;
    results[result_count].got = got;
    results[result_count++].wanted = wanted;
}

static void check_registers(void)
{
    out8(SCRATCH, 0x55);
    result("serial: scratch register", in8(SCRATCH), 0x55);
    out8(SCRATCH, 0xaa);
    result("serial: scratch register again", in8(SCRATCH), 0xaa);
    out8(LINE, 0x1b);
    result("serial: line control is read back", in8(LINE), 0x1b);
    out8(LINE, 3);
    out8(ENABLE, 0xf5);
    result("serial: interrupt enable has four bits", in8(ENABLE), 5);
    out8(LINE, 0x83);
    out8(DATA, 0x34);
    out8(ENABLE, 0x12);
    result("serial: divisor, low byte", in8(DATA), 0x34);
    result("serial: divisor, high byte", in8(ENABLE), 0x12);
    out8(LINE, 3);
    result("serial: the divisor hides interrupt enable", in8(ENABLE), 5);
    out8(LINE, 0x83);
    out8(DATA, 1);
    out8(ENABLE, 0);
    out8(LINE, 3);
    out8(ENABLE, 0);
    out8(MODEM, 0xff);
    result("serial: modem control has five bits", in8(MODEM), 0x1f);
}

/* Not that RI and the others are noted as changed: QEMU's and Bochs' loopback does not, the data sheet does. */
static void check_modem_lines(void)
{
    static const struct {
        const char *name;
        uint8_t out, in;
    } lines[] = {
        {"serial: loopback of DTR", 1, 0x20},  {"serial: loopback of RTS", 2, 0x10},
        {"serial: loopback of OUT1", 4, 0x40}, {"serial: loopback of OUT2", 8, 0x80},
        {"serial: loopback of all", 15, 0xf0}, {"serial: loopback of none", 0, 0},
    };
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        out8(MODEM, LOOPBACK | lines[i].out);
        result(lines[i].name, in8(MODEM_STATUS) & 0xf0, lines[i].in);
    }
}

static void fifo(uint8_t control)
{
    out8(FIFO, 0);
    out8(FIFO, control | 6);
    (void)in8(LINE_STATUS);
    (void)in8(IDENTITY);
}

/* What everybody does who looks for a serial line. */
static void check_loopback(void)
{
    fifo(0);
    out8(MODEM, 0x1e);
    out8(DATA, 0xae);
    wait_microseconds(400);
    result("serial: loopback has received", in8(LINE_STATUS) & 0x61, 0x61);
    result("serial: loopback of a byte", in8(DATA), 0xae);
    result("serial: nothing more", in8(LINE_STATUS), 0x60);
    result("serial: no FIFO by its identity", in8(IDENTITY) & 0xc0, 0);
}

/* At most sixteen at once. */
static void send(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        out8(DATA, (uint8_t)(0x30 + i));
    for (unsigned i = 0; i < 10000 && !(in8(LINE_STATUS) & 0x40); i++)
        spin(400);
}

static void check_fifo(void)
{
    fifo(1);
    result("serial: a FIFO by its identity", in8(IDENTITY) & 0xc0, 0xc0);
    send(16);
    unsigned in_order = 0;
    for (unsigned i = 0; i < 16; i++)
        in_order += in8(DATA) == 0x30 + i;
    result("serial: the FIFO holds sixteen in order", in_order, 16);
    result("serial: and is empty then", in8(LINE_STATUS) & 1, 0);
    send(3);
    wait_microseconds(500);
    out8(FIFO, 3);
    result("serial: the FIFO is cleared", in8(LINE_STATUS) & 1, 0);
    send(16);
    out8(DATA, 0x7f);
    wait_microseconds(200);
    result("serial: the seventeenth overruns", in8(LINE_STATUS) & 2, 2);
    result("serial: an overrun is reported once", in8(LINE_STATUS) & 2, 0);
    result("serial: the first is still the first", in8(DATA), 0x30);
}

static void check_reasons(void)
{
    fifo(0xc1);
    out8(ENABLE, 1);
    send(14);
    result("serial: received, at the trigger level", in8(IDENTITY) & ~LESS, 0xc4);
    (void)in8(DATA);
    uint8_t reason = in8(IDENTITY);
    for (unsigned i = 0; i < 1000 && reason != 0xcc; i++) {
        wait_microseconds(100);
        reason = in8(IDENTITY);
    }
    result("serial: received less, after a while", reason, 0xcc);
    for (unsigned i = 0; i < 13; i++)
        (void)in8(DATA);
    result("serial: no reason", in8(IDENTITY), 0xc1);
    fifo(0x01);
    out8(ENABLE, 0);
    out8(ENABLE, 2);
    result("serial: ready to send", in8(IDENTITY), 0xc2);
    result("serial: until that is read", in8(IDENTITY), 0xc1);
    out8(ENABLE, 7);
    send(16);
    out8(DATA, 0x7f);
    spin(400);
    result("serial: an error is the most urgent", in8(IDENTITY), 0xc6);
    wait_microseconds(500);
    (void)in8(LINE_STATUS);
    result("serial: then what was received", in8(IDENTITY) & ~LESS, 0xc4);
    out8(FIFO, 3);
    result("serial: then being ready to send", in8(IDENTITY), 0xc2);
    out8(ENABLE, 0);
    result("serial: and none that is not enabled", in8(IDENTITY), 0xc1);
}

static void check_line(void)
{
    interrupts_begin();
    pic_open(1 << LINE_SERIAL);
    out8(MODEM, READY);
    fifo(1);
    out8(ENABLE, 2);
    unsigned came = interrupts_await_late(1);
    out8(ENABLE, 0);
    result("serial: its line interrupts", came, 1);
    result("serial: by line 4", interrupt_last, PIC_VECTOR + LINE_SERIAL);
    interrupts_end();
}

void check_serial(void)
{
    uint8_t modem = in8(MODEM);
    result_count = 0;
    while (!(in8(LINE_STATUS) & 0x40))
        spin(100);
    check_registers();
    check_modem_lines();
    check_loopback();
    check_fifo();
    check_reasons();
    check_line();
    out8(MODEM, modem & 0xf);
    fifo(1);
    for (unsigned i = 0; i < result_count; i++)
        check(results[i].name, results[i].got, results[i].wanted);
}
