/* Between two stacks. */
#include "base/coroutine.h"

#include <stdint.h>

#include "stacks.h"

#define SAVED 6 /* words, of stack_change */

bool coroutine_runs, coroutine_is_in_vain;
static bool is_done;
static void (*body)(void);
static uint64_t *other; /* the stack pointer of the side that does not run */

static _Noreturn void run(void)
{
    body();
    is_done = true;
    for (;;)
        stack_change(&other);
}

bool coroutine_go_on(void)
{
    coroutine_runs = true;
    stack_change(&other);
    coroutine_runs = false;
    return is_done;
}

bool coroutine_begin(void (*function)(void))
{
    body = function;
    is_done = coroutine_is_in_vain = false;
    /* As if `run` had no caller, and were about to begin. */
    other = coroutine_stack + STACK_SIZE / sizeof *coroutine_stack - SAVED - 2;
    for (unsigned i = 0; i < SAVED; i++)
        other[i] = 0;
    other[SAVED] = (uint64_t)run;
    other[SAVED + 1] = 0;
    return coroutine_go_on();
}

void coroutine_stop(void)
{
    stack_change(&other);
}
