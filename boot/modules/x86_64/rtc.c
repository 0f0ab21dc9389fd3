/* The battery-backed clock (MC146818): what the time is when the kernel starts. */
#include <kernel/module.h>
#include <stdbool.h>

#include "port.h"

#define PORT_INDEX 0x70
#define PORT_DATA 0x71
#define REGISTER_FORMAT 11
#define FORMAT_BINARY 4

static uint8_t read_register(uint8_t index)
{
    out8(PORT_INDEX, index);
    return in8(PORT_DATA);
}

static uint64_t from_bcd(uint8_t value)
{
    return (uint64_t)(value >> 4) * 10 + (value & 15);
}

static bool read_twice_the_same(uint8_t now[6])
{
    static const uint8_t index[6] = {0, 2, 4, 7, 8, 9}; /* second minute hour day month year */
    bool same = true;
    for (unsigned i = 0; i < 6; i++) {
        uint8_t value = read_register(index[i]);
        same &= value == now[i];
        now[i] = value;
    }
    return same;
}

/* Seconds since 1970-01-01 00:00 UTC. */
__attribute__((constructor)) static void start(void)
{
    uint8_t now[6] = {0};
    while (!read_twice_the_same(now)) /* or the clock was just changing */
        ;
    bool binary = read_register(REGISTER_FORMAT) & FORMAT_BINARY;
    uint64_t field[6];
    for (unsigned i = 0; i < 6; i++)
        field[i] = binary ? now[i] : from_bcd(now[i]);
    uint64_t year = 2000 + field[5], month = field[4], day = field[3];
    /* Days from the civil date, counting years from March (Richards, "Calendars", 2013). */
    uint64_t y = month <= 2 ? year - 1 : year;
    uint64_t m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
    wall_clock_set(((days * 24 + field[2]) * 60 + field[1]) * 60 + field[0]);
}
