/* The timer, an 8254, and port 0x61. */
#include "checks.h"
#include "devices.h"

#define PORT 0x40
#define COMMAND 0x43
#define CONTROL 0x61
#define OUTPUT 0x20

static uint8_t status(unsigned channel)
{
    out8(COMMAND, (uint8_t)(0xe0 | 2 << channel));
    return in8((uint16_t)(PORT + channel));
}

static void check_status(void)
{
    static const struct {
        const char *name;
        uint8_t control, status;
    } forms[] = {
        {"timer: status of mode 0", 0x30, 0x30},       {"timer: status of mode 2", 0x34, 0x34},
        {"timer: status of mode 3", 0x36, 0x36},       {"timer: status of mode 4", 0x38, 0x38},
        {"timer: status of BCD", 0x35, 0x35},          {"timer: status of the low byte alone", 0x14, 0x14},
        {"timer: status of the high byte alone", 0x24, 0x24},
    };
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        out8(COMMAND, 0x80 | forms[i].control);
        check(forms[i].name, status(2) & 0x3f, forms[i].status);
    }
}

/* Not in BCD: QEMU counts in binary there. */
static void check_counting(void)
{
    out8(CONTROL, (in8(CONTROL) & 0xc) | 1);
    timer_load(2, 2, 50000);
    spin(20000);
    uint16_t first = timer_read(2);
    spin(20000);
    uint16_t second = timer_read(2);
    check("timer: it counts down", first < 50000 && second < first, 1);
    out8(COMMAND, 0x80);
    spin(5000); /* all three rounds are less than a period, on a slow machine too */
    out8(COMMAND, 0x80); /* a second latch is ignored */
    uint16_t latched = in8(PORT + 2);
    latched |= (uint16_t)(in8(PORT + 2) << 8);
    uint16_t now = timer_read(2);
    check("timer: a latched count stays", latched > now, 1);
    out8(COMMAND, 0xc8); /* status and count of channel 2 */
    uint8_t state = in8(PORT + 2), low = in8(PORT + 2), high = in8(PORT + 2);
    check("timer: read-back gives the status first", state & 0x3f, 0x34);
    check("timer: and then the count", (uint16_t)(low | high << 8) <= now, 1);
    out8(COMMAND, 0x94); /* low byte alone */
    out8(PORT + 2, 200);
    spin(2000);
    uint8_t value = in8(PORT + 2);
    check("timer: low byte alone", value >= 1 && value <= 200, 1);
    out8(COMMAND, 0xa4); /* high byte alone */
    out8(PORT + 2, 0x80);
    spin(2000);
    value = in8(PORT + 2);
    check("timer: high byte alone", value >= 0x40 && value <= 0x80, 1);
    timer_load(2, 3, 50000);
    spin(2000);
    check("timer: a square wave's count is even", timer_read(2) & 1, 0);
}

/* How far the time-stamp counter goes until the third channel's output rises; 0: it does not. */
static uint64_t time_of(uint16_t count)
{
    timer_load(2, 0, count);
    uint64_t before = read_counter();
    for (unsigned turns = 0; turns < 100000; turns++, spin(400))
        if (in8(CONTROL) & OUTPUT)
            return read_counter() - before;
    return 0;
}

/* Not that mode 0 stops while its gate is low, and mode 1's output: QEMU's does not, and is inverted. */
static void check_output(void)
{
    out8(CONTROL, in8(CONTROL) & 0xc);
    check("timer: the gate is read back", in8(CONTROL) & 3, 0);
    out8(CONTROL, (in8(CONTROL) & 0xc) | 1);
    check("timer: the gate is read back, open", in8(CONTROL) & 3, 1);
    timer_load(2, 0, 2000);
    check("timer: mode 0's output is low at first", in8(CONTROL) & OUTPUT, 0);
    check("timer: and rises at the count's end", time_of(2000) != 0, 1);
    timer_load(2, 0, 6000);
    check("timer: a new count begins again", in8(CONTROL) & OUTPUT, 0);
    bool is_longer = false;
    for (unsigned i = 0; i < 20 && !is_longer; i++) /* a busy machine may stand still in one of them */
        is_longer = time_of(6000) > 2 * time_of(2000);
    check("timer: three times the count takes longer", is_longer, 1);
    timer_load(2, 3, 2000);
    /* Eight periods, however fast the machine is. */
    unsigned high = 0, looks = 0, changes = 0;
    for (bool before = true; changes < 16 && looks < 1000000; looks++, spin(300)) {
        bool is_high = in8(CONTROL) & OUTPUT;
        changes += is_high != before;
        high += is_high;
        before = is_high;
    }
    check("timer: a square wave comes again and again", changes, 16);
    check("timer: and is high half of the time", high > looks / 10 && high < looks - looks / 10, 1);
    unsigned last = in8(CONTROL) & 0x10;
    changes = 0;
    for (unsigned i = 0; i < 1000; i++, spin(400)) {
        unsigned refresh = in8(CONTROL) & 0x10;
        changes += refresh != last;
        last = refresh;
    }
    check("timer: the refresh bit changes", changes > 2, 1);
}

/* One that may be late, and none behind it. */
static unsigned count_singles(void)
{
    unsigned came = interrupts_await_late(1);
    return came + interrupts_await(1, 2000);
}

/* Not the exact number: a machine that is busy with others loses some. */
static bool has_rate(void)
{
    timer_load(0, 2, 1193); /* a millisecond */
    interrupts_allow();
    uint64_t before = read_counter();
    unsigned came = interrupts_await(1000, 8000);
    uint64_t during = read_counter() - before;
    before = read_counter();
    wait_microseconds(4000);
    uint64_t milliseconds = during * 4 / (read_counter() - before + 1);
    return came > milliseconds / 4 && came <= milliseconds * 3 / 2 + 2;
}

static void check_rate(void)
{
    bool is_right = false;
    for (unsigned i = 0; i < 20 && !is_right; i++)
        is_right = has_rate();
    check("timer: interrupts at their rate", is_right, 1);
}

static void check_interrupts(void)
{
    interrupts_begin();
    pic_open(1 << LINE_TIMER);
    interrupts_allow();
    timer_load(0, 0, 1000);
    check("timer: mode 0 interrupts once", count_singles(), 1);
    check("timer: by line 0", interrupt_last, PIC_VECTOR + LINE_TIMER);
    timer_load(0, 2, 1200);
    check("timer: mode 2 interrupts again and again", interrupts_await_late(3), 3);
    timer_load(0, 3, 1200);
    interrupts_allow();
    check("timer: mode 3 interrupts again and again", interrupts_await_late(3), 3);
    timer_load(0, 4, 1000);
    interrupts_allow();
    check("timer: mode 4 interrupts once", count_singles(), 1);
    check_rate();
    timer_load(0, 0, 0xffff);
    interrupts_end();
}

void check_timer_device(void)
{
    check_status();
    check_counting();
    check_output();
    check_interrupts();
}
