/* Page tables, named by the physical address of the top-level table; the target defines them. The kernel's half is the
 * same in all. Protections are PROT_... of <ambilink/abi.h>. */
#ifndef MEMORY_PAGE_TABLE_H
#define MEMORY_PAGE_TABLE_H
#include <stdbool.h>
#include <stdint.h>

#include "memory/memory.h"

#define PAGES_PER_UNIT 16 /* entries that are a unit of work (base/work.h) */

/* The table without a user half. */
extern uint64_t kernel_page_table;

/* What lies where in the kernel's half: chosen at random, once. */
struct kernel_layout {
    uint64_t base;             /* of the kernel: physical 0 in its own addresses, and so how far it moved */
    uint64_t direct;           /* physical 0 in the map of all memory */
    uint64_t areas, areas_end; /* kernel addresses of memory that need not be contiguous */
};
extern struct kernel_layout kernel_layout;

/* After frames_ready and random_init, in the boot loader's table and at the physical addresses, which the kernel is
 * linked for: choose a layout and make the kernel's table. By no address of that are the kernel's text and constants
 * writable, nor the physical range that is given (the boot image, whose frames programs and modules execute). Then
 * relocate the kernel: the result is how far it moves, and nothing but a return and a jump to there may follow. Without
 * memory for it: panic. */
uint64_t page_table_init(uint64_t fixed_start, uint64_t fixed_end);
/* After the move: leave the boot loader's table. */
void page_table_enter(void);

/* Frames that all page tables take up. */
extern uint64_t page_tables;

/* A table with an empty user half; 0: no frame. */
uint64_t page_table_create(void);
/* Free the tables, not what they map, within what work_left allows; nothing uses the table from the first call on.
 * False: to be called again. */
bool page_table_destroy(uint64_t table);

/* Map [offset, offset + size) of memory at a range that holds nothing. False: no frame for a table, and the range
 * holds nothing. */
bool page_map(uint64_t table, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size, unsigned prot);
/* Where the range that an address lies in ends which has no page tables; the address, if it has one. */
uint64_t page_hole_end(uint64_t table, uint64_t address);
/* Give pages of a range another protection, those that page_map mapped there. */
void page_protect(uint64_t table, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size, unsigned prot);
/* Holes in the range are no matter. Tables that map nothing any more go. */
void page_unmap(uint64_t table, uint64_t address, uint64_t size);
/* A user address could not be used: if its page was withheld (memory/guard.h), compare it, and let it be used if it is
 * intact. Pages around it that were found intact already come along. It is one step: PAGE_INTACT may mean that the address is
 * to be used once more, for the next. PAGE_NO_ACCESS: it is mapped, and may not be accessed, or is one of memory that grows,
 * which has it not yet. PAGE_MISSING: there is no entry for it. */
enum page_touched { PAGE_NOT_WITHHELD, PAGE_NO_ACCESS, PAGE_MISSING, PAGE_INTACT, PAGE_DAMAGED };
enum page_touched page_touch(uint64_t table, uint64_t address);
/* The same for user addresses from *address on, as far as work_left allows: *address is where it ended, at a damaged
 * page, or behind what can be used. Holes are no matter. */
enum page_touched page_touch_range(uint64_t table, uint64_t *address, uint64_t end);
/* The frame mapped at a user address, or 0: there is none, or it is withheld; *prot may be NULL. */
uint64_t page_lookup(uint64_t table, uint64_t address, unsigned *prot);
/* Frames that the tables of a half take up: bookkeeping. */
uint64_t page_table_frames(uint64_t table, bool kernel_half);
#endif
