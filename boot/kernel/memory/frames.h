/* Page frames: physical addresses, multiples of the page size; 0 is none. */
#ifndef MEMORY_FRAMES_H
#define MEMORY_FRAMES_H
#include <stdbool.h>
#include <stdint.h>

#include "base/page.h"

/* Where the kernel reaches physical memory: address + physical_offset. */
extern uint64_t physical_offset;

static inline void *physical_pointer(uint64_t physical)
{
    return (void *)(physical + physical_offset);
}

/* The way back, for pointers that physical_pointer gave. */
static inline uint64_t physical_address(const void *pointer)
{
    return (uint64_t)pointer - physical_offset;
}

/* Before frames_ready: memory that the machine has (16 regions; of more it is logged that they are not used), and parts
 * of it that are in use. */
#define REGION_MAX 16
#define LOW_MEMORY_END 0x100000 /* what a PC has below it is not used, and not mapped */
void frames_add_region(uint64_t start, uint64_t end);
void frames_reserve(uint64_t start, uint64_t end);
void frames_ready(void);

/* The end of the highest region. */
uint64_t frames_highest(void);
/* True when the whole range is memory that the machine has. */
bool frames_exist(uint64_t start, uint64_t end);

/* A zeroed frame, the caller's until frame_free; 0: none is free. */
uint64_t frame_alloc(void);
/* So many of them; how many there were. */
uint64_t frames_alloc(uint64_t *frames, uint64_t count);
void frame_free(uint64_t frame);
/* True when so many are free. */
bool frames_available(uint64_t count);
#endif
