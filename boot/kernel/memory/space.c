#include "memory/space.h"

#include "base/random.h"
#include "base/record.h"
#include "memory/page_table.h"
#include "memory/pool.h"

bool space_init(struct space *space)
{
    uint64_t table = page_table_create();
    if (!table)
        return false;
    /* Anonymous memory lies in the upper part of user space, from a random page on. */
    uint64_t free_address = 0x600000000000 + (random_next() & 0xffffffffff) * 16 / PAGE_SIZE * PAGE_SIZE;
    *space = (struct space){.page_table = table, .free_address = free_address, .unused_address = free_address};
    return true;
}

static void mapping_free(struct mapping *mapping)
{
    object_release(mapping->memory);
    pool_free(mapping, sizeof *mapping);
}

void space_end(struct space *space)
{
    page_table_destroy(space->page_table);
    while (space->mappings) {
        struct mapping *mapping = space->mappings;
        space->mappings = mapping->next;
        mapping_free(mapping);
    }
}

static bool range_valid(uint64_t address, uint64_t size)
{
    return size && !(size % PAGE_SIZE) && !(address % PAGE_SIZE) && address >= PROCESS_LOWEST_ADDRESS &&
           address < PROCESS_HIGHEST_ADDRESS && size <= PROCESS_HIGHEST_ADDRESS - address;
}

/* The link that holds, or would hold, the first mapping that ends after `address`. Searches begin where the last one
 * ended, as most follow each other closely; space->near then ends at `address` or before, too. */
static struct mapping **mapping_after(struct space *space, uint64_t address)
{
    if (space->near && space->near->end > address)
        space->near = NULL;
    struct mapping **link = space->near ? &space->near->next : &space->mappings;
    for (; *link && (*link)->end <= address; link = &space->near->next)
        space->near = *link;
    return link;
}

uint64_t space_find_unused(struct space *space, uint64_t size)
{
    uint64_t address = space->unused_address;
    for (struct mapping *mapping = *mapping_after(space, address); mapping; mapping = mapping->next) {
        if (mapping->start >= address && mapping->start - address >= size)
            break;
        address = mapping->end;
    }
    return range_valid(address, size) ? address : 0;
}

int64_t space_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t size, uint64_t address,
                  unsigned prot, unsigned max_prot)
{
    max_prot &= memory_max_prot(memory);
    if (prot & PROT_FINAL)
        max_prot &= prot;
    prot &= ~PROT_FINAL;
    if (prot & ~max_prot)
        return STATUS_NO_RIGHT;
    if (!address)
        address = space_find_unused(space, size);
    if (!range_valid(address, size) || offset % PAGE_SIZE || offset > memory->size || size > memory->size - offset)
        return STATUS_INVALID;
    struct mapping **link = mapping_after(space, address);
    if (*link && (*link)->start < address + size)
        return STATUS_OVERLAP;
    struct mapping *mapping = pool_alloc(sizeof *mapping);
    if (!mapping)
        return STATUS_NO_MEMORY;
    if (!page_map(space->page_table, address, memory, offset, size, prot)) {
        pool_free(mapping, sizeof *mapping);
        return STATUS_NO_MEMORY;
    }
    *mapping = (struct mapping){*link, address, address + size, memory, offset, prot, max_prot};
    object_retain(memory);
    *link = mapping;
    if (address == space->unused_address)
        space->unused_address = mapping->end;
    if (prot & RIGHT_EXECUTE)
        code_mapped(space->page_table, address, memory->start + offset);
    return (int64_t)address;
}

/* Make `address` a border between mappings where it lies inside this one. */
static bool split_at(struct mapping *mapping, uint64_t address)
{
    if (!mapping || mapping->start >= address || mapping->end <= address)
        return true;
    struct mapping *rest = pool_alloc(sizeof *rest);
    if (!rest)
        return false;
    *rest = *mapping;
    rest->start = address;
    rest->offset += address - mapping->start;
    object_retain(rest->memory);
    mapping->end = address;
    mapping->next = rest;
    return true;
}

/* The same for both ends of a range. */
static bool split_around(struct space *space, uint64_t address, uint64_t end)
{
    struct mapping *mapping = *mapping_after(space, address);
    if (!split_at(mapping, address))
        return false;
    while (mapping && mapping->end < end)
        mapping = mapping->next;
    return split_at(mapping, end);
}

/* STATUS_OK: [address, address + size) is mapped without a hole, and all of it may be given this protection. */
static int64_t may_protect(struct space *space, uint64_t address, uint64_t size, unsigned prot)
{
    const uint64_t end = address + size;
    bool allowed = true;
    for (const struct mapping *mapping = *mapping_after(space, address); mapping && mapping->start <= address;
         mapping = mapping->next) {
        allowed &= !(prot & ~mapping->max_prot);
        address = mapping->end;
        if (address >= end)
            return allowed ? STATUS_OK : STATUS_NO_RIGHT;
    }
    return STATUS_OVERLAP;
}

int64_t space_unmap(struct space *space, uint64_t address, uint64_t size)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    if (!split_around(space, address, address + size))
        return STATUS_NO_MEMORY;
    if (address >= space->free_address && address < space->unused_address)
        space->unused_address = address;
    struct mapping **link = mapping_after(space, address);
    while (*link && (*link)->start < address + size) {
        struct mapping *mapping = *link;
        *link = mapping->next;
        page_unmap(space->page_table, mapping->start, mapping->end - mapping->start);
        mapping_free(mapping);
    }
    return STATUS_OK;
}

int64_t space_protect(struct space *space, uint64_t address, uint64_t size, unsigned prot)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    const bool is_final = prot & PROT_FINAL;
    prot &= ~PROT_FINAL;
    int64_t status = may_protect(space, address, size, prot);
    if (status != STATUS_OK)
        return status;
    if (!split_around(space, address, address + size))
        return STATUS_NO_MEMORY;
    struct mapping *first = *mapping_after(space, address);
    for (struct mapping *mapping = first; mapping && mapping->start < address + size; mapping = mapping->next) {
        mapping->prot = prot;
        if (is_final)
            mapping->max_prot = prot;
        page_map(space->page_table, mapping->start, mapping->memory, mapping->offset, mapping->end - mapping->start, prot);
        if (prot & RIGHT_EXECUTE)
            code_mapped(space->page_table, mapping->start, mapping->memory->start + mapping->offset);
    }
    return STATUS_OK;
}
