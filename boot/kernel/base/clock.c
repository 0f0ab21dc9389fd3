#include "base/clock.h"

#include <kernel/module.h>

#include "cpu.h"

static uint64_t ticks;
static uint64_t wall_at_boot; /* seconds */

void clock_init(void)
{
    timer_init();
}

void wall_clock_set(uint64_t seconds)
{
    wall_at_boot = seconds - clock_since_boot() / NANOSECONDS;
}

void clock_tick(void)
{
    ticks++;
}

uint64_t clock_ticks(void)
{
    return ticks;
}

uint64_t clock_counts(void)
{
    return ticks * TIMER_RELOAD + timer_counts();
}

uint64_t clock_since_boot(void)
{
    static uint64_t latest; /* a tick may be late, but time never goes back */
    uint64_t counts = clock_counts();
    uint64_t now = counts / TIMER_FREQUENCY * NANOSECONDS + counts % TIMER_FREQUENCY * NANOSECONDS / TIMER_FREQUENCY;
    if (now > latest)
        latest = now;
    return latest;
}

uint64_t clock_wall(void)
{
    return wall_at_boot * NANOSECONDS + clock_since_boot();
}
