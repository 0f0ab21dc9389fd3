/* Small objects: pieces of slabs. A slab is a frame that belongs to one budget, and has pieces of one size. It is charged
 * as a whole from its first piece on, and goes back with its last one: so a budget is charged for exactly the frames that
 * its objects keep, in whatever order they come and go. */
#ifndef MEMORY_POOL_H
#define MEMORY_POOL_H
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"

#define POOL_LARGEST 2016 /* bytes of the largest, two of which are a frame */

/* Zeroed, on a multiple of 16 bytes, for a budget (NULL: the kernel). NULL: no free frame, or the budget that pays has too little left. A size above
 * POOL_LARGEST is a mistake of the kernel's: panic. */
void *pool_alloc(struct budget *budget, size_t size);
/* The budget may end with its last piece. */
void pool_free(void *pointer);

/* Bookkeeping: slabs and pieces in use, and the slab of a piece. */
struct pool_slab {
    const void *frame;
    const struct budget *budget;
    uint64_t used; /* pieces */
};
uint64_t pool_frames(void);
uint64_t pool_used(void);
struct pool_slab pool_slab_of(const void *piece);
#endif
