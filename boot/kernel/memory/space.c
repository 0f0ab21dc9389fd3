#include "memory/space.h"

#include "base/random.h"
#include "base/record.h"
#include "base/work.h"
#include "memory/guard.h"
#include "memory/page_table.h"
#include "memory/pool.h"

#define FREED_PER_UNIT 4 /* mappings: cheaper than clearing a page */

static const struct cost one_page = {.pages = 1}, one_mapping = {.bytes = sizeof(struct mapping)};

bool space_init(struct space *space, struct budget *budget)
{
    if (!budget_take(budget, one_page))
        return false;
    uint64_t table = page_table_create();
    if (!table) {
        budget_give(budget, one_page);
        return false;
    }
    /* Anonymous memory lies in the upper part of user space, from a random page on. */
    uint64_t free_address = 0x600000000000 + (random_next() & 0xffffffffff) * 16 / PAGE_SIZE * PAGE_SIZE;
    *space = (struct space){.budget = budget, .page_table = table, .free_address = free_address, .unused_address = free_address};
    return true;
}

/* NULL: no memory. */
static struct mapping *mapping_alloc(struct space *space)
{
    if (!budget_take(space->budget, one_mapping))
        return NULL;
    struct mapping *mapping = pool_alloc(sizeof *mapping);
    if (!mapping)
        budget_give(space->budget, one_mapping);
    return mapping;
}

static void mapping_free(struct space *space, struct mapping *mapping)
{
    pool_free(mapping, sizeof *mapping);
    budget_give(space->budget, one_mapping);
}

static void mapping_end(struct space *space, struct mapping *mapping)
{
    object_release(mapping->memory);
    mapping_free(space, mapping);
}

/* What tables were freed since there were so many. */
static void give_tables(struct space *space, uint64_t before)
{
    budget_give(space->budget, (struct cost){.pages = before - page_tables});
}

/* page_map, with the tables that it makes paid for. */
static bool map_pages(struct space *space, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size,
                      unsigned prot)
{
    const uint64_t before = page_tables;
    if (!page_map(space->page_table, address, memory, offset, size, prot))
        return false;
    if (budget_take(space->budget, (struct cost){.pages = page_tables - before}))
        return true;
    page_unmap(space->page_table, address, size);
    return false;
}

bool space_end(struct space *space)
{
    const uint64_t before = page_tables;
    bool is_gone = !space->page_table || page_table_destroy(space->page_table);
    give_tables(space, before);
    if (!is_gone)
        return false;
    space->page_table = 0;
    for (unsigned i = 1; space->mappings; i++) {
        if (!work_left)
            return false;
        struct mapping *mapping = space->mappings;
        space->mappings = mapping->next;
        mapping_end(space, mapping);
        if (i % FREED_PER_UNIT == 0)
            work_did(1);
    }
    return true;
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

/* So much of it as work_left allows. */
static uint64_t part_of(uint64_t size)
{
    uint64_t most = (uint64_t)work_left * PAGES_PER_UNIT * PAGE_SIZE;
    return size < most ? size : most;
}

/* The mapping that ends where this one begins, if it can be one with it; NULL: none. */
static struct mapping *continued(const struct space *space, const struct mapping *next)
{
    struct mapping *before = space->near;
    return before && before->end == next->start && before->memory == next->memory && before->prot == next->prot &&
                   before->max_prot == next->max_prot && before->offset + (before->end - before->start) == next->offset
               ? before
               : NULL;
}

/* Map a range that is free; `link` would hold it. `grows`: the mapping before it is made larger, where that can be. */
static int64_t map_range(struct space *space, struct mapping **link, const struct mapping *wanted, bool grows)
{
    struct mapping *before = grows ? continued(space, wanted) : NULL, *mapping = before ? before : mapping_alloc(space);
    uint64_t size = wanted->end - wanted->start;
    if (!mapping)
        return STATUS_NO_MEMORY;
    if (wanted->memory->start == page_guard.start && size / PAGE_SIZE <= page_guard.early)
        page_guard.check_early(page_guard.start + wanted->offset, size / PAGE_SIZE);
    if (!map_pages(space, wanted->start, wanted->memory, wanted->offset, size, wanted->prot)) {
        if (!before)
            mapping_free(space, mapping);
        return STATUS_NO_MEMORY;
    }
    if (before) {
        before->end = wanted->end;
    } else {
        *mapping = *wanted;
        mapping->next = *link;
        object_retain(mapping->memory);
        *link = mapping;
    }
    if (wanted->start == space->unused_address)
        space->unused_address = wanted->end;
    if (wanted->prot & RIGHT_EXECUTE)
        code_mapped(space->page_table, wanted->start, wanted->memory->start + wanted->offset);
    return STATUS_OK;
}

int64_t space_map_some(struct space *space, struct memory *memory, uint64_t offset, uint64_t size, uint64_t address,
                       unsigned prot, unsigned max_prot, struct space_progress *progress)
{
    max_prot &= memory_max_prot(memory);
    if (prot & PROT_FINAL)
        max_prot &= prot;
    prot &= ~PROT_FINAL;
    if (prot & ~max_prot)
        return STATUS_NO_RIGHT;
    if (progress && !work_left)
        return CALL_AGAIN;
    if (progress && progress->done)
        address = progress->address;
    else if (!address)
        address = space_find_unused(space, size);
    if (!range_valid(address, size) || offset % PAGE_SIZE || offset > memory->size || size > memory->size - offset)
        return STATUS_INVALID;
    uint64_t done = progress ? progress->done : 0, start = address + done;
    if (done >= size) /* since the step before, the program asks for less */
        return STATUS_INVALID;
    uint64_t part = progress ? part_of(size - done) : size;
    struct mapping **link = mapping_after(space, start);
    int64_t status = STATUS_OVERLAP;
    if (!*link || (*link)->start >= address + size)
        status = map_range(space, link, &(struct mapping){NULL, start, start + part, memory, offset + done, prot, max_prot}, done);
    if (status != STATUS_OK) {
        if (done) {
            space_unmap(space, address, done);
            *progress = (struct space_progress){0};
        }
        return status;
    }
    if (done + part == size)
        return (int64_t)address;
    *progress = (struct space_progress){address, done + part};
    return CALL_AGAIN;
}

int64_t space_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t size, uint64_t address,
                  unsigned prot, unsigned max_prot)
{
    return space_map_some(space, memory, offset, size, address, prot, max_prot, NULL);
}

/* Make `address` a border between mappings where it lies inside this one. */
static bool split_at(struct space *space, struct mapping *mapping, uint64_t address)
{
    if (!mapping || mapping->start >= address || mapping->end <= address)
        return true;
    struct mapping *rest = mapping_alloc(space);
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
    if (!split_at(space, mapping, address))
        return false;
    while (mapping && mapping->end < end)
        mapping = mapping->next;
    return split_at(space, mapping, end);
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
    int64_t status;
    while ((status = space_unmap_some(space, address, size)) == CALL_AGAIN)
        work_left = WORK_OF_ENTRY;
    return status;
}

int64_t space_unmap_some(struct space *space, uint64_t address, uint64_t size)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    if (!split_around(space, address, address + size))
        return STATUS_NO_MEMORY;
    if (address >= space->free_address && address < space->unused_address)
        space->unused_address = address;
    struct mapping **link = mapping_after(space, address);
    while (*link && (*link)->start < address + size) {
        if (!work_left)
            return CALL_AGAIN;
        struct mapping *mapping = *link;
        *link = mapping->next;
        const uint64_t before = page_tables;
        page_unmap(space->page_table, mapping->start, mapping->end - mapping->start);
        give_tables(space, before);
        mapping_end(space, mapping);
    }
    return STATUS_OK;
}

/* A part of a mapping that is large, or all of it: from `from` on, which its first part was given already. */
static void protect_part(struct space *space, struct mapping *mapping, uint64_t from, uint64_t size, unsigned prot)
{
    page_map(space->page_table, from, mapping->memory, mapping->offset + (from - mapping->start), size, prot);
    if (prot & RIGHT_EXECUTE)
        code_mapped(space->page_table, from, mapping->memory->start + mapping->offset + (from - mapping->start));
}

int64_t space_protect_some(struct space *space, uint64_t address, uint64_t size, unsigned prot,
                           struct space_progress *progress)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    const bool is_final = prot & PROT_FINAL;
    const uint64_t end = address + size;
    prot &= ~PROT_FINAL;
    if (!progress || !progress->done) {
        int64_t status = may_protect(space, address, size, prot);
        if (status != STATUS_OK)
            return status;
        if (!split_around(space, address, end))
            return STATUS_NO_MEMORY;
    }
    uint64_t from = address + (progress ? progress->done : 0);
    for (struct mapping *mapping = *mapping_after(space, from); mapping && mapping->end <= end; mapping = mapping->next) {
        from = from > mapping->start ? from : mapping->start;
        while (from < mapping->end && !(prot & ~mapping->max_prot)) {
            if (progress && !work_left) {
                progress->done = from - address;
                return CALL_AGAIN;
            }
            uint64_t part = progress ? part_of(mapping->end - from) : mapping->end - from;
            mapping->prot = prot;
            protect_part(space, mapping, from, part, prot);
            from += part;
            work_did(1);
        }
        if (is_final)
            mapping->max_prot &= prot;
    }
    return STATUS_OK;
}

int64_t space_protect(struct space *space, uint64_t address, uint64_t size, unsigned prot)
{
    return space_protect_some(space, address, size, prot, NULL);
}

bool space_touch(struct space *space, uint64_t address)
{
    enum page_touched touched = page_touch(space->page_table, address);
    if (touched == PAGE_DAMAGED)
        space->damaged = page_guard.damage = true;
    return touched == PAGE_INTACT;
}

int64_t space_check(struct space *space, uint64_t address, uint64_t size, uint64_t *done)
{
    if (address > PROCESS_HIGHEST_ADDRESS || size > PROCESS_HIGHEST_ADDRESS - address)
        return STATUS_INVALID;
    const uint64_t start = PAGE_DOWN(address), end = address + size;
    uint64_t at = start + *done;
    if (page_touch_range(space->page_table, &at, end) == PAGE_DAMAGED)
        return STATUS_CORRUPT;
    *done = at - start;
    return at < end ? CALL_AGAIN : STATUS_OK;
}
