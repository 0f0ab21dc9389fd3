/* How long threads ran. It is kept from the first question on: a system that never asks does not pay for it at each switch.
 * What passes while the machine is idle is no thread's. */
#ifndef BASE_RUN_TIME_H
#define BASE_RUN_TIME_H
#include <stdbool.h>
#include <stdint.h>

extern bool run_times_are_kept;

/* What passed since the last time goes to a thread and to its process, in counts of the timer; NULL: to none. */
void run_time_charge(uint64_t *thread, uint64_t *process);
/* The same of those that ask: from now on it is kept. */
void run_time_ask(uint64_t *thread, uint64_t *process);
#endif
