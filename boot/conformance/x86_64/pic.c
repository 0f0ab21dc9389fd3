/* Both 8259As. The timer's line 0 and the serial line's 4 ask when they are told to. */
#include "checks.h"
#include "devices.h"

#define SERIAL_ENABLE 0x3f9
#define SERIAL_IDENTITY 0x3fa
#define SERIAL_MODEM 0x3fc
#define CLOCK_INDEX 0x70
#define CLOCK_DATA 0x71
#define TRIGGER 0x4d0
#define OUTPUT 0x20

static uint8_t requests(uint16_t port)
{
    out8(port, 0x0a);
    return in8(port);
}

static uint8_t in_service(uint16_t port)
{
    out8(port, 0x0b);
    return in8(port);
}

/* Until a line asks; a busy machine takes its time. */
static void await_request(uint16_t port, uint8_t line)
{
    for (unsigned i = 0; i < 5000 && !(requests(port) & line); i++)
        wait_microseconds(10);
}

/* An edge of line 0. */
static void ask_timer(void)
{
    timer_load(0, 0, 20);
    await_request(PIC_FIRST, 1);
}

/* Line 4 rises. */
static void ask_serial(void)
{
    out8(SERIAL_ENABLE, 0);
    (void)in8(SERIAL_IDENTITY);
    out8(SERIAL_ENABLE, 2);
}

static void quiet(void)
{
    out8(SERIAL_ENABLE, 0);
    (void)in8(SERIAL_IDENTITY);
    timer_load(0, 0, 0xffff);
}

static void check_masks(void)
{
    out8(PIC_FIRST + 1, 0xa5);
    out8(PIC_SECOND + 1, 0x5a);
    check("8259: mask of the first", in8(PIC_FIRST + 1), 0xa5);
    check("8259: mask of the second", in8(PIC_SECOND + 1), 0x5a);
    pic_open(0);
    ask_timer();
    interrupt_total = 0;
    interrupts_allow();
    check("8259: a masked line is silent", interrupt_total, 0);
    check("8259: but its request waits", requests(PIC_FIRST) & 1, 1);
    pic_open(1);
    interrupts_allow();
    check("8259: and comes when it is let through", interrupt_total, 1);
    check("8259: by its vector", interrupt_last, PIC_VECTOR);
    check("8259: once", requests(PIC_FIRST) & 1, 0);
    check("8259: nothing is in service then", in_service(PIC_FIRST), 0);
}

static uint8_t seen_service, seen_after;

static bool look_at_service(unsigned vector)
{
    (void)vector;
    seen_service = in_service(PIC_FIRST);
    out8(PIC_FIRST, END_OF_INTERRUPT);
    seen_after = in_service(PIC_FIRST);
    return true;
}

static bool end_specifically(unsigned vector)
{
    (void)vector;
    out8(PIC_FIRST, 0x61); /* of line 1, which is not in service */
    seen_service = in_service(PIC_FIRST);
    out8(PIC_FIRST, 0x60);
    seen_after = in_service(PIC_FIRST);
    return true;
}

static void check_service(void)
{
    pic_open(1);
    interrupt_handler = look_at_service;
    ask_timer();
    interrupts_allow();
    check("8259: in service, in the handler", seen_service, 1);
    check("8259: not after its end", seen_after, 0);
    interrupt_handler = end_specifically;
    ask_timer();
    interrupts_allow();
    check("8259: the end of another line", seen_service, 1);
    check("8259: the end of this line", seen_after, 0);
    interrupt_handler = NULL;
}

static unsigned order[8], ordered;

static bool note_order(unsigned vector)
{
    if (ordered < 8)
        order[ordered++] = vector - PIC_VECTOR;
    return false;
}

/* Within the handler of one line, another asks; what comes while it is in service. */
static unsigned nested_before_end;

static bool ask_within(unsigned vector)
{
    note_order(vector);
    if (ordered > 1)
        return false;
    if (vector == PIC_VECTOR + LINE_SERIAL)
        ask_timer();
    else
        ask_serial();
    unsigned before = ordered;
    interrupts_allow();
    nested_before_end = ordered - before;
    return false;
}

static void check_priorities(void)
{
    pic_open(1 | 1 << LINE_SERIAL);
    interrupt_handler = note_order;
    ordered = 0;
    ask_serial();
    ask_timer();
    interrupts_allow();
    check("8259: two wait, both come", ordered, 2);
    check("8259: the lower line first", order[0], LINE_TIMER);
    check("8259: then the higher", order[1], LINE_SERIAL);
    quiet();
    interrupt_handler = ask_within;
    ordered = 0;
    ask_serial();
    interrupts_allow();
    check("8259: a lower line interrupts a higher", nested_before_end, 1);
    quiet();
    ordered = 0;
    ask_timer();
    interrupts_allow();
    check("8259: a higher line does not interrupt a lower", nested_before_end, 0);
    check("8259: but comes after its end", ordered, 2);
    quiet();
    interrupt_handler = note_order;
    out8(PIC_FIRST, 0xc0 | LINE_TIMER); /* line 0 is the lowest */
    ordered = 0;
    ask_serial();
    ask_timer();
    interrupts_allow();
    check("8259: priorities that were set: first", order[0], LINE_SERIAL);
    check("8259: priorities that were set: second", order[1], LINE_TIMER);
    quiet();
    out8(PIC_FIRST, 0xc7);
    interrupt_handler = NULL;
}

static bool rotate(unsigned vector)
{
    note_order(vector);
    out8(PIC_FIRST, 0xa0); /* end, and this line is the lowest */
    return true;
}

static bool mask_specially(unsigned vector)
{
    note_order(vector);
    if (ordered > 1)
        return false;
    out8(PIC_FIRST + 1, (uint8_t)~(1 << LINE_SERIAL));
    out8(PIC_FIRST, 0x68);
    ask_serial();
    unsigned before = ordered;
    interrupts_allow();
    nested_before_end = ordered - before;
    out8(PIC_FIRST, 0x48);
    return false;
}

static void check_modes(void)
{
    pic_open(1 | 1 << LINE_SERIAL);
    interrupt_handler = rotate;
    ordered = 0;
    ask_timer();
    interrupts_allow();
    ask_serial();
    ask_timer();
    interrupts_allow();
    check("8259: the line that was served is the lowest then", order[1], LINE_SERIAL);
    quiet();
    out8(PIC_FIRST, 0xc7);
    interrupt_handler = mask_specially;
    ordered = 0;
    ask_timer();
    interrupts_allow();
    check("8259: in special mask mode a masked line keeps no other out", nested_before_end, 1);
    quiet();
    interrupt_handler = NULL;
    pic_open(0);
    out8(PIC_FIRST, 0x0c);
    check("8259: polled, nothing", in8(PIC_FIRST) & 0x80, 0);
    ask_timer();
    pic_open(1);
    out8(PIC_FIRST, 0x0c);
    check("8259: polled, line 0", in8(PIC_FIRST) & 0x87, 0x80);
    check("8259: which acknowledges", in_service(PIC_FIRST), 1);
    out8(PIC_FIRST, END_OF_INTERRUPT);
    pic_start(PIC_VECTOR, 3);
    pic_open(1);
    interrupt_handler = look_at_service;
    ask_timer();
    interrupts_allow();
    check("8259: automatic end: nothing in service", seen_service, 0);
    interrupt_handler = NULL;
    pic_start(0x60, 1);
    pic_open(1);
    ask_timer();
    interrupt_total = 0;
    interrupt_handler = look_at_service;
    interrupts_allow();
    interrupt_handler = NULL;
    check("8259: another first vector", interrupt_last, 0x60);
    pic_start(PIC_VECTOR, 1);
    uint8_t trigger = in8(TRIGGER);
    out8(TRIGGER, trigger | 0x20);
    check("8259: a line made level", in8(TRIGGER) & 0x20, 0x20);
    out8(TRIGGER, 0x07);
    check("8259: timer, keyboard and cascade stay edges", in8(TRIGGER) & 7, 0);
    out8(TRIGGER, trigger);
}

static uint8_t second_service;

static bool look_at_both(unsigned vector)
{
    (void)vector;
    seen_service = in_service(PIC_FIRST);
    second_service = in_service(PIC_SECOND);
    out8(CLOCK_INDEX, 12);
    (void)in8(CLOCK_DATA);
    return false;
}

static void check_second(void)
{
    out8(CLOCK_INDEX, 10);
    out8(CLOCK_DATA, 0x26); /* 1024 Hz */
    out8(CLOCK_INDEX, 11);
    uint8_t before = in8(CLOCK_DATA);
    out8(CLOCK_INDEX, 11);
    out8(CLOCK_DATA, (before & 0x0f) | 0x40);
    out8(CLOCK_INDEX, 12);
    (void)in8(CLOCK_DATA);
    interrupt_handler = look_at_both;
    pic_open(1 << LINE_CLOCK);
    out8(PIC_FIRST + 1, 0xff);
    interrupt_total = 0;
    await_request(PIC_SECOND, 1);
    interrupts_allow();
    check("8259: a masked cascade keeps the second's lines out", interrupt_total, 0);
    check("8259: the request waits at the first, too", requests(PIC_FIRST) & 4, 4);
    pic_open(1 << LINE_CLOCK);
    unsigned came = interrupts_await_late(3);
    check("8259: a line of the second comes", came, 3);
    check("8259: by its vector of the second", interrupt_last, PIC_VECTOR + LINE_CLOCK);
    check("8259: it is in service at the first by the cascade", seen_service, 4);
    check("8259: and at the second by its own", second_service, 1);
    out8(CLOCK_INDEX, 11);
    out8(CLOCK_DATA, before & 0x0f);
    out8(CLOCK_INDEX, 12);
    (void)in8(CLOCK_DATA);
    interrupt_handler = NULL;
}

void check_pic(void)
{
    uint8_t modem = in8(SERIAL_MODEM);
    interrupts_begin();
    out8(SERIAL_MODEM, 0x0b);
    quiet();
    check_masks();
    check_service();
    check_priorities();
    check_modes();
    check_second();
    quiet();
    out8(SERIAL_MODEM, modem);
    interrupts_end();
}
