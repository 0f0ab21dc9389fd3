/* Time by the timer's ticks. A driver sets the wall clock (<kernel/module.h>). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdint.h>

#define NANOSECONDS 1000000000ull /* of a second */

/* Start the timer. Interrupts stay off until the first wait or the first user thread. */
void clock_init(void);
/* The timer's interrupt came. */
void clock_tick(void);
/* How many came. */
uint64_t clock_ticks(void);
/* Counts of the timer since boot, TIMER_FREQUENCY a second: cheaper than nanoseconds. */
uint64_t clock_counts(void);
/* Nanoseconds; never less than the last answer. */
uint64_t clock_since_boot(void);
/* Nanoseconds since 1970-01-01 00:00 UTC; since boot where no driver set the clock. */
uint64_t clock_wall(void);
#endif
