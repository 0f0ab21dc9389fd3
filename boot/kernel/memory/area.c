/* Kernel addresses for memory whose frames lie anywhere: first fit. */
#include "memory/area.h"

#include "base/work.h"
#include "memory/page_table.h"
#include "memory/pool.h"

static struct area *areas;

static struct area **find_gap(uint64_t size, uint64_t *start)
{
    struct area **link = &areas;
    *start = kernel_layout.areas;
    while (*link && (*link)->start - *start < size) {
        *start = (*link)->end;
        link = &(*link)->next;
    }
    return size <= kernel_layout.areas_end - *start ? link : NULL;
}

/* NULL: no room or no memory. Others find the addresses taken from now on. */
static struct area *take(uint64_t size, struct memory *memory)
{
    uint64_t start;
    struct area **link = find_gap(size, &start), *area = link ? pool_alloc(NULL, sizeof *area) : NULL;
    if (!area)
        return NULL;
    *area = (struct area){*link, start, start + size, memory};
    *link = area;
    return area;
}

uint64_t kernel_reserve(uint64_t size)
{
    const struct area *area = take(size, NULL);
    return area ? area->start : 0;
}

#define PAGES_AT_ONCE 512

static uint64_t part_of(uint64_t size)
{
    return size < PAGES_AT_ONCE * PAGE_SIZE ? size : PAGES_AT_ONCE * PAGE_SIZE;
}

/* NULL: no memory, and the area went. */
static void *enter(const struct area *area, uint64_t offset, unsigned prot)
{
    struct memory *memory = area->memory;
    const uint64_t start = area->start, size = area->end - start;
    for (uint64_t done = 0, part; done < size; done += part) {
        part = part_of(size - done);
        if (!page_map(kernel_page_table, start + done, memory, offset + done, part, prot)) {
            kernel_unmap((void *)start);
            return NULL;
        }
        work_pause();
    }
    return (void *)start;
}

void *kernel_map(struct memory *memory, uint64_t offset, uint64_t size, unsigned prot)
{
    const struct area *area = take(size, memory);
    if (!area)
        return NULL;
    object_retain(memory);
    return enter(area, offset, prot);
}

void *kernel_map_made(struct memory *memory)
{
    const struct area *area = take(memory->size, memory);
    if (area)
        return enter(area, 0, PROT_READ_WRITE);
    object_release(memory);
    return NULL;
}

void *kernel_alloc(uint64_t size)
{
    struct memory *memory = memory_create(NULL, PAGE_UP(size));
    return memory ? kernel_map_made(memory) : NULL;
}

/* What leads to the area of an address; there is one. */
static struct area **find(const void *address)
{
    struct area **link = &areas;
    while ((*link)->start != (uint64_t)address)
        link = &(*link)->next;
    return link;
}

struct memory *kernel_mapped(const void *address)
{
    return (*find(address))->memory;
}

void kernel_unmap(void *address)
{
    const struct area *area = *find(address);
    for (uint64_t at = area->start, part; at < area->end; at += part) {
        part = part_of(area->end - at);
        page_unmap(kernel_page_table, at, part);
        work_pause();
    }
    struct area **link = find(address), *gone = *link;
    *link = gone->next;
    if (gone->memory)
        object_release(gone->memory);
    pool_free(gone);
}

const struct area *area_first(void)
{
    return areas;
}
