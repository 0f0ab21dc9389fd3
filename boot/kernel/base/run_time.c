#include "base/run_time.h"

#include <stddef.h>

#include "base/clock.h"

bool run_times_are_kept;
static uint64_t charged; /* counts of the timer that were charged, or are no thread's */

void run_time_charge(uint64_t *thread, uint64_t *process)
{
    const uint64_t now = clock_counts(), passed = now - charged;
    charged = now;
    if (thread)
        *thread += passed;
    if (process)
        *process += passed;
}

void run_time_ask(uint64_t *thread, uint64_t *process)
{
    run_time_charge(run_times_are_kept ? thread : NULL, run_times_are_kept ? process : NULL);
    run_times_are_kept = true;
}
