/* Time by the timer's counts. A driver sets the wall clock (<kernel/module.h>). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdint.h>

#define NANOSECONDS 1000000000ull /* of a second */

#define CLOCK_SPAN_MAX 27000000ull /* nanoseconds: the most that passes between two interrupts of the timer */

/* Start the timer. Interrupts stay off until the first wait or the first user thread. */
void clock_init(void);
/* The timer interrupts after so many nanoseconds, not earlier, or CLOCK_SPAN_MAX; what it was armed for before is void. */
void clock_arm(uint64_t span);
/* Counts of the timer since boot, TIMER_FREQUENCY a second: cheaper than nanoseconds. */
uint64_t clock_counts(void);
/* As many nanoseconds as counts are. */
uint64_t clock_nanoseconds(uint64_t counts);
/* Nanoseconds. */
uint64_t clock_since_boot(void);
/* Nanoseconds since 1970-01-01 00:00 UTC; since boot where no driver set the clock. */
uint64_t clock_wall(void);
#endif
