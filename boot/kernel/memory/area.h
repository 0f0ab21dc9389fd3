/* Kernel addresses for memory whose frames lie anywhere. All are given back by kernel_unmap. */
#ifndef MEMORY_AREA_H
#define MEMORY_AREA_H
#include "memory/memory.h"

/* Unused addresses, for page_map with kernel_page_table; 0: no room or no memory. */
uint64_t kernel_reserve(uint64_t size);
/* A part of memory at contiguous addresses, which keep it. NULL: no room or no memory. */
void *kernel_map(struct memory *memory, uint64_t offset, uint64_t size, unsigned prot);
/* The same of all of a memory, for writing; the caller's reference to it goes, and only the addresses keep it. */
void *kernel_map_made(struct memory *memory);
/* The same for zeroed memory of its own. */
void *kernel_alloc(uint64_t size);
/* The memory behind an address that one of them gave. */
struct memory *kernel_mapped(const void *address);
/* `address` as one of them gave it; what was mapped there is unmapped and released. */
void kernel_unmap(void *address);

struct area {
    struct area *next; /* ascending */
    uint64_t start, end;
    struct memory *memory; /* NULL: reserved addresses */
};
/* The first; to be read only. */
const struct area *area_first(void);
#endif
