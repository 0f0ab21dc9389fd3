/* Address spaces: page tables, and what is mapped where. Addresses and sizes are multiples of the page size within
 * user space, else STATUS_INVALID. */
#ifndef MEMORY_SPACE_H
#define MEMORY_SPACE_H
#include <stdbool.h>

#include "memory/mappings.h"

struct space {
    struct budget *budget; /* pays for page tables and mappings */
    uint64_t page_table;
    struct mappings mappings;
    uint64_t free_address; /* the kernel chooses addresses from here on */
    uint64_t era;          /* of the mappings that are made now: a call that is not done begins the next one */
    bool damaged;          /* a damaged page of the boot image was touched: page_guard.damage */
};

/* False: no memory, or the budget that pays has too little left. */
bool space_init(struct space *space, struct budget *budget);
/* Give all back, within what work_left allows; nothing uses the space from the first call on. False: to be called
 * again. */
bool space_end(struct space *space);

/* Map a part of memory; address 0: where the kernel chooses. The mapping keeps the memory. With PROT_FINAL in prot it
 * never is more than prot; else `max_prot` is the most that it may ever be, as far as the frames' kind allows that. The
 * address, or STATUS_INVALID, STATUS_OVERLAP, STATUS_NO_MEMORY, STATUS_NO_RIGHT (prot is more). */
int64_t space_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t size, uint64_t address,
                  unsigned prot, unsigned max_prot);
/* The same of all of a memory, which is never executable; the caller's reference to it goes, the mapping has its own. */
int64_t space_map_made(struct space *space, struct memory *memory, uint64_t address, unsigned prot);
/* An unused range, or 0. */
uint64_t space_find_unused(struct space *space, uint64_t size);
/* Holes in the range are no matter. STATUS_NO_MEMORY (a mapping must be split): nothing was unmapped. */
int64_t space_unmap(struct space *space, uint64_t address, uint64_t size);
/* With PROT_FINAL in prot, prot is the most for ever. STATUS_OVERLAP (a hole), STATUS_NO_RIGHT (more than a mapping may
 * be), STATUS_NO_MEMORY: nothing was changed. Where few pages may be written to from then on, those of memory that grows are
 * there. */
int64_t space_protect(struct space *space, uint64_t address, uint64_t size, unsigned prot);

/* The same within what work_left allows, for ranges that a program chooses. CALL_AGAIN: to be called again with the same
 * arguments. Until then a part is done: of a mapping that is made, all addresses are taken, and the first pages are there.
 * What another thread maps in the range after the call began stays as that thread has it; what it unmaps stays unmapped. */
struct space_progress {
    uint64_t start, from, end; /* of the range; all below `from` is done */
    uint64_t era;              /* of the space when the call began: later mappings are not the call's; 0: it begins */
    bool has_turned;           /* space_map_some: it has failed, and takes back; space_protect_some: it may be done */
}; /* era is 0 at first; belongs to the function */
/* What space_map is asked for. */
struct space_wanted {
    struct memory *memory;
    uint64_t offset, size, address;
    unsigned prot, max_prot;
};
int64_t space_map_some(struct space *space, const struct space_wanted *wanted, struct space_progress *progress);
int64_t space_unmap_some(struct space *space, uint64_t address, uint64_t size, struct space_progress *progress);
int64_t space_protect_some(struct space *space, uint64_t address, uint64_t size, unsigned prot,
                           struct space_progress *progress);

/* Whether an address lies in memory that grows, where it may be accessed. */
bool space_grows_at(struct space *space, uint64_t address);
/* An address could not be used. True: its page was withheld, and is intact so far, or was one of memory that grows, which has
 * it now: use it, or touch it, again. A process that touches a
 * damaged page is to be ended (process_end_damaged). */
bool space_touch(struct space *space, uint64_t address);
/* Compare beforehand what is withheld in a range, from `done` bytes on: STATUS_OK, and it can be used; STATUS_CORRUPT,
 * which is logged, and no process is ended; STATUS_INVALID; CALL_AGAIN (base/work.h): *done is how far it came. */
int64_t space_check(struct space *space, uint64_t address, uint64_t size, uint64_t *done);
#endif
