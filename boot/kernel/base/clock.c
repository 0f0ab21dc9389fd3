#include "base/clock.h"

#include <kernel/module.h>

#include "cpu.h"
#include "timer.h"

static uint64_t wall_at_boot; /* seconds */

void clock_init(void)
{
    interrupts_init();
    timer_init();
    clock_arm(0);
}

void wall_clock_set(uint64_t seconds)
{
    wall_at_boot = seconds - clock_since_boot() / NANOSECONDS;
}

uint64_t clock_counts(void)
{
    return timer_counts();
}

uint64_t clock_since_boot(void)
{
    return clock_nanoseconds(timer_counts());
}

uint64_t clock_nanoseconds(uint64_t counts)
{
    return counts / TIMER_FREQUENCY * NANOSECONDS + counts % TIMER_FREQUENCY * NANOSECONDS / TIMER_FREQUENCY;
}

void clock_arm(uint64_t span)
{
    timer_arm(span < CLOCK_SPAN_MAX ? span * TIMER_FREQUENCY / NANOSECONDS + 1 : TIMER_SPAN_MAX);
}

uint64_t clock_wall(void)
{
    return wall_at_boot * NANOSECONDS + clock_since_boot();
}
