/* Kernel addresses for memory whose frames lie anywhere: first fit. */
#include "memory/area.h"

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

uint64_t kernel_reserve(uint64_t size)
{
    uint64_t start;
    struct area **link = find_gap(size, &start), *area = link ? pool_alloc(NULL, sizeof *area) : NULL;
    if (!area)
        return 0;
    *area = (struct area){*link, start, start + size, NULL};
    *link = area;
    return start;
}

void *kernel_map(struct memory *memory, uint64_t offset, uint64_t size, unsigned prot)
{
    uint64_t start;
    struct area **link = find_gap(size, &start), *area = link ? pool_alloc(NULL, sizeof *area) : NULL;
    if (!area)
        return NULL;
    if (!page_map(kernel_page_table, start, memory, offset, size, prot)) {
        pool_free(area);
        return NULL;
    }
    object_retain(memory);
    *area = (struct area){*link, start, start + size, memory};
    *link = area;
    return (void *)start;
}

void *kernel_alloc(uint64_t size)
{
    struct memory *memory = memory_create(NULL, PAGE_UP(size));
    if (!memory)
        return NULL;
    void *mapped = kernel_map(memory, 0, memory->size, PROT_READ_WRITE);
    object_release(memory);
    return mapped;
}

void kernel_unmap(void *address)
{
    for (struct area **link = &areas; *link; link = &(*link)->next) {
        struct area *area = *link;
        if (area->start != (uint64_t)address)
            continue;
        page_unmap(kernel_page_table, area->start, area->end - area->start);
        if (area->memory)
            object_release(area->memory);
        *link = area->next;
        pool_free(area);
        return;
    }
}

const struct area *area_first(void)
{
    return areas;
}
