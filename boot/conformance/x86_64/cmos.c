/* The CMOS clock, an MC146818. */
#include "checks.h"
#include "devices.h"

#define INDEX 0x70
#define DATA 0x71
#define FORMAT 11
#define BINARY 4
#define HOURS_24 2

static uint8_t read_cell(uint8_t index)
{
    out8(INDEX, index);
    return in8(DATA);
}

static void write_cell(uint8_t index, uint8_t value)
{
    out8(INDEX, index);
    out8(DATA, value);
}

static unsigned from_bcd(uint8_t value)
{
    return (unsigned)(value >> 4) * 10 + (value & 15);
}

void check_cmos(void)
{
    uint8_t format = read_cell(FORMAT);
    check("clock: it is valid", read_cell(13) & 0x80, 0x80);
    while (read_cell(10) & 0x80)
        spin(100);
    uint8_t month = read_cell(8), day = read_cell(7), hour = read_cell(4);
    check("clock: digits are decimal", (month & 15) < 10 && (day & 15) < 10 && (hour & 15) < 10, 1);
    check("clock: a month", from_bcd(month) >= 1 && from_bcd(month) <= 12, 1);
    check("clock: a day", from_bcd(day) >= 1 && from_bcd(day) <= 31, 1);
    check("clock: an hour", from_bcd(hour) < 24, 1);
    write_cell(FORMAT, (format & 0x0f) | BINARY | HOURS_24);
    check("clock: its format is read back", read_cell(FORMAT) & 0x86, BINARY | HOURS_24);
    write_cell(FORMAT, format & 0x0f);
    write_cell(0x60, 0x5a);
    check("clock: a cell keeps a byte", read_cell(0x60), 0x5a);
    (void)read_cell(12);
    check("clock: no interrupt is asked for", read_cell(12) & 0xf0, 0);
}
