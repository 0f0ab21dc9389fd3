/* The coroutine: one function, on a stack of its own, that stops where it likes and goes on later from there. So what takes
 * long and lies deep in other code, the start of a service, is done in steps, one for each entry (base/work.h).
 *
 * While it has stopped, all else of the kernel runs: what it holds then must be in order, and known to who counts. */
#ifndef BASE_COROUTINE_H
#define BASE_COROUTINE_H
#include <stdbool.h>

/* It is the coroutine that runs now. */
extern bool coroutine_runs;
/* Who asked for what it does is gone: it is to give back what it has, and to return. Set while it has stopped. */
extern bool coroutine_is_in_vain;

/* Run it, until it stops (false) or returns (true). To be called when there is none, or the last one returned. */
bool coroutine_begin(void (*function)(void));
/* The same from where it stopped. */
bool coroutine_go_on(void);
/* By itself: stop. */
void coroutine_stop(void);

/* Nothing new is to be begun: what takes memory fails, without a report. */
static inline bool gives_up(void)
{
    return coroutine_runs && coroutine_is_in_vain;
}
#endif
