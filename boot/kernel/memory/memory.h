/* Memory objects: frames of their own, or a run of frames that existed before (the boot image).
 *
 * Memory that grows has a frame for each page that was touched, and pays for no other; lists that lead to none are not
 * there, so that its size costs nothing.
 *
 * A frame is either writable or executable for as long as it exists: memory of its own is never mapped executable, a run
 * is never mapped writable. */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H
#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/object.h"
#include "base/page.h"
#include "base/trie.h"

#define MEMORY_SIZE_MAX (512ull * 512 * PAGE_SIZE)
#define MEMORY_GROWING_MAX (1ull << 43) /* of memory that grows */

extern const struct object_type memory_type;

struct memory {
    struct object object;
    struct budget *budget; /* pays for it until it is gone; NULL: the kernel */
    uint64_t size;    /* bytes, a multiple of the page size */
    uint64_t start;   /* first frame of a run; 0: frames of its own */
    uint64_t *frames; /* its own, if they are few: a list from the pool */
    uint64_t **lists; /* if they are many: a page of pages of them; if it grows, of the frames of such pages */
    struct trie waiters; /* threads that wait for a word of it, by offset (object/futex.h): each keeps it */
    uint64_t pages;   /* of its own that it has: all of them, unless it is being made, or is dying; if it grows, with those
                       * that list them */
    bool grows;
    uint8_t shift;    /* if it grows, and has lists: pages that an entry of the first one leads to, as a power of two */
    uint32_t charged; /* if it grows: pages that were taken of the budget */
    uint32_t next;    /* likewise, while it is made: the next page to take */
};

/* Zeroed memory; `size` is a multiple of the page size, 0 < size <= MEMORY_SIZE_MAX. NULL: no memory, or the budget
 * that pays has too little left. */
struct memory *memory_create(struct budget *budget, uint64_t size);
/* The same for memory that grows (memory_begin_growing). */
struct memory *memory_create_growing(struct budget *budget, uint64_t size, uint64_t present);
/* What memory_create is making while the coroutine has stopped in it; NULL: nothing. Bookkeeping. */
extern struct memory *memory_growing;
/* The same in steps, for sizes that a program chooses. It has no frames yet, and may only be grown or released. */
struct memory *memory_begin(struct budget *budget, uint64_t size);
/* Take frames, within what work_left allows. STATUS_OK: it has all. CALL_AGAIN: there are more to take.
 * STATUS_NO_MEMORY. */
int64_t memory_grow(struct memory *memory);
/* The same for memory that grows, of up to MEMORY_GROWING_MAX: of its pages the last `present` bytes are there when it is
 * made, a multiple of the page size. */
struct memory *memory_begin_growing(struct budget *budget, uint64_t size, uint64_t present);
/* Of memory that grows: the page at an offset below its size is there from now on. False: no memory, or the budget has too
 * little left. */
bool memory_take_page(struct memory *memory, uint64_t offset);
/* Frames that it does not free; `start` is not 0. NULL: no memory. */
struct memory *memory_create_run(uint64_t start, uint64_t size);
/* What a mapping of it may ever be allowed: PROT_... bits. */
static inline unsigned memory_max_prot(const struct memory *memory)
{
    return memory->start ? PROT_READ_EXECUTE : PROT_READ_WRITE;
}
/* The frame that holds the page at an offset below its size; 0: it grows, and that page was not touched. */
uint64_t memory_frame(const struct memory *memory, uint64_t offset);
/* Of memory with frames of its own that does not grow: the list of them from there on; *count follow each other. */
const uint64_t *memory_list(const struct memory *memory, uint64_t offset, uint64_t *count);
/* Bookkeeping: pages that are charged for it, and frames that it has now, each with those that list them. */
uint64_t memory_charge(const struct memory *memory);
uint64_t memory_frames(const struct memory *memory);
#endif
