/* Allocations that fail on purpose: what the kernel does then is tested at every one of them. */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/work.h"

/* The allocation that fails, counted from 1; 0: none. Written into the boot image's bytes before the machine starts. */
extern uint64_t failing_allocation;

/* The allocation failed already. */
extern bool failure_made;

/* Log that an allocation fails; true. */
bool failure_report(void);

/* Asked at the start of each allocation of a frame or of a piece of the pool, and so of all that is made of them. */
static inline bool failure_due(void)
{
    return __builtin_expect(failing_allocation != 0, 0) && --failing_allocation == 0 && failure_report();
}

/* There is no memory, but some is about to come back: the call is to be made again. After a failure on purpose it never
 * is: what is tested is how it fails. */
static inline bool memory_comes_back(void)
{
    return work_waited && !failure_made;
}
#endif
