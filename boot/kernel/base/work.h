/* The work of one entry into the kernel, which is bounded: what is long is done in steps, one for each entry, and
 * between them interrupts are taken and other threads run. A unit is about what it costs to clear a page. */
#ifndef BASE_WORK_H
#define BASE_WORK_H
#include <stdbool.h>
#include <stdint.h>

#include "base/coroutine.h"

#ifndef WORK_OF_ENTRY /* a test's kernel may have more steps */
#define WORK_OF_ENTRY 128
#endif

/* The result of a call that has not done all: the thread makes the same call again, and no program sees this. */
#define CALL_AGAIN INT64_MIN

/* Units that this entry may still do; 0: time to leave. */
extern unsigned work_left;

/* What was left for later entries and is not done: ends that were begun. `work_waited`: when this entry began; so much
 * of memory may come back, whatever this entry leaves itself. */
extern uint64_t work_waiting, work_waited;

/* Something may be there that nothing can reach: to be found by a collection (process/collect.h) when there is time. */
extern bool collection_due;

static inline void work_begin(void)
{
    work_left = WORK_OF_ENTRY;
    work_waited = work_waiting;
}

/* What cannot be left and called again goes on with its next step: where it is the coroutine's, in a later entry, else at
 * once. Only what cannot be much does that in a call; and what runs before there are threads. */
static inline void work_go_on(void)
{
    if (coroutine_runs)
        coroutine_stop();
    else
        work_left = WORK_OF_ENTRY;
}

/* A place where the coroutine stops once this entry may do no more: called again and again by what takes long. Nothing that
 * others read or change is half done here. */
static inline void work_pause(void)
{
    if (coroutine_runs && !work_left)
        coroutine_stop();
}

static inline void work_did(unsigned units)
{
    work_left -= units < work_left ? units : work_left;
}
#endif
