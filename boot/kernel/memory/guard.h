/* Pages of one run of frames, the boot image, that no code may use before they were compared with what was packed.
 * Where such a page is mapped and was not compared yet, its entry in the page table is withheld: the first touch, by
 * the process or by the kernel for it, compares it (page_touch of memory/page_table.h). */
#ifndef MEMORY_GUARD_H
#define MEMORY_GUARD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/page.h"

#define GUARD_INTACT 1

struct page_guard {
    uint64_t start;          /* of the run; 0: there is none */
    const uint8_t *state;    /* by page: GUARD_INTACT, or something else */
    bool (*check)(uint64_t frame); /* compares a page of the run that is not GUARD_INTACT; false: damaged, which is logged */
    bool (*is_next)(uint64_t frame); /* true: to compare that page is one step; false: the step before it was done. NULL: always */
    uint64_t early;          /* pages of a mapping, up to which they are compared when it is made */
    void (*check_early)(uint64_t frame, uint64_t count); /* compares so many; a damaged one stays withheld */
    bool damage;             /* a process touched a damaged page (space->damaged), and has not been ended for it */
};
extern struct page_guard page_guard;

/* Of a frame of the run; those of the frames behind it follow. */
static inline const uint8_t *guard_state(uint64_t frame)
{
    return &page_guard.state[(frame - page_guard.start) / PAGE_SIZE];
}
#endif
