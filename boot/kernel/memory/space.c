#include "memory/space.h"

#include "base/random.h"
#include "base/record.h"
#include "base/work.h"
#include "memory/guard.h"
#include "memory/page_table.h"
#include "memory/pool.h"

/* What is cheaper than clearing a page. */
#define FREED_PER_UNIT 4      /* mappings */
#define SEEN_PER_UNIT 8       /* likewise */
#define UNMAPPED_PER_UNIT 512 /* pages: those of a table */
#define TAKEN_AT_ONCE 16      /* pages of memory that grows, where a program may write to so few from now on */

static const struct cost one_page = {.pages = 1};

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
    *space = (struct space){.budget = budget, .page_table = table, .free_address = free_address, .era = 1};
    return true;
}

/* NULL: no memory. */
static struct mapping *mapping_alloc(struct space *space)
{
    return pool_alloc(space->budget, sizeof(struct mapping));
}

static void mapping_end(struct mapping *mapping)
{
    object_release(mapping->memory);
    pool_free(mapping);
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

/* Memory that grows, and may be large: a page's entry is made when it is touched, and so are page tables. */
static bool is_entered_late(const struct memory *memory)
{
    return memory->grows && !memory->frames;
}

bool space_end(struct space *space)
{
    const uint64_t before = page_tables;
    bool is_gone = !space->page_table || page_table_destroy(space->page_table);
    give_tables(space, before);
    if (!is_gone)
        return false;
    space->page_table = 0;
    for (unsigned i = 1;; i++) {
        if (!work_left)
            return false;
        struct mapping *mapping = mappings_take(&space->mappings);
        if (!mapping)
            return true;
        mapping_end(mapping);
        if (i % FREED_PER_UNIT == 0)
            work_did(1);
    }
}

static bool range_valid(uint64_t address, uint64_t size)
{
    return size && (address | size) % PAGE_SIZE == 0 && address >= PROCESS_LOWEST_ADDRESS &&
           address < PROCESS_HIGHEST_ADDRESS && size <= PROCESS_HIGHEST_ADDRESS - address;
}

uint64_t space_find_unused(struct space *space, uint64_t size)
{
    uint64_t address = mappings_find_gap(&space->mappings, space->free_address, size);
    return range_valid(address, size) ? address : 0;
}

/* So much of it as work_left allows. */
static uint64_t part_of(uint64_t size, unsigned pages_per_unit)
{
    uint64_t most = (uint64_t)work_left * pages_per_unit * PAGE_SIZE;
    return size < most ? size : most;
}

/* The same of what is mapped; all at once of what has no page tables. */
static uint64_t part_at(const struct space *space, const struct mapping *mapping, uint64_t from, unsigned pages_per_unit)
{
    const uint64_t size = mapping->end - from, part = part_of(size, pages_per_unit);
    if (!is_entered_late(mapping->memory))
        return part;
    const uint64_t hole = page_hole_end(space->page_table, from) - from, most = hole < size ? hole : size;
    return most > part ? most : part;
}

static void begin(struct space_progress *progress, const struct space *space, uint64_t address, uint64_t size)
{
    *progress = (struct space_progress){.start = address, .from = address, .end = address + size, .era = space->era};
}

/* Until it is called again, others may map. */
static int64_t go_on_later(const struct space_progress *progress, struct space *space)
{
    if (space->era == progress->era)
        space->era++;
    return CALL_AGAIN;
}

/* The mapping that the call is to go on with, at progress->from. NULL: *status is the result, or CALL_AGAIN. */
static struct mapping *next_of(struct space_progress *progress, struct space *space, int64_t *status)
{
    struct mapping *mapping = mappings_find(&space->mappings, progress->from);
    for (; mapping && mapping->start < progress->end; mapping = mapping->next) {
        if (!work_left) {
            *status = go_on_later(progress, space);
            return NULL;
        }
        if (mapping->era <= progress->era) {
            if (progress->from < mapping->start)
                progress->from = mapping->start;
            return mapping;
        }
        progress->from = mapping->end;
        work_did(1);
    }
    *status = STATUS_OK;
    return NULL;
}

static uint64_t offset_at(const struct mapping *mapping, uint64_t address)
{
    return mapping->offset + (address - mapping->start);
}

static void report_code(const struct space *space, const struct mapping *mapping)
{
    if (mapping->prot & RIGHT_EXECUTE)
        code_mapped(space->page_table, mapping->start, mapping->memory->start + mapping->offset);
}

/* Unmap what is left of the range. */
static int64_t unmap_rest(struct space_progress *progress, struct space *space)
{
    int64_t status;
    for (struct mapping *mapping; (mapping = next_of(progress, space, &status));) {
        const uint64_t size = mapping->end - mapping->start, before = page_tables;
        const uint64_t part = part_at(space, mapping, mapping->start, UNMAPPED_PER_UNIT);
        page_unmap(space->page_table, mapping->start, part);
        give_tables(space, before);
        progress->from = mapping->start + part;
        if (part < size) {
            mappings_cut(&space->mappings, mapping, progress->from);
            continue;
        }
        mappings_remove(&space->mappings, mapping);
        mapping_end(mapping);
        work_did(1);
    }
    return status;
}

/* Enter the pages of a mapping that was made without them, or of what is left of it. */
static int64_t map_rest(struct space_progress *progress, struct space *space)
{
    int64_t status = STATUS_OK;
    for (struct mapping *mapping; !progress->has_turned && (mapping = next_of(progress, space, &status));) {
        uint64_t part = part_of(mapping->end - progress->from, PAGES_PER_UNIT);
        if (!map_pages(space, progress->from, mapping->memory, offset_at(mapping, progress->from), part, mapping->prot)) {
            progress->has_turned = true;
            progress->from = progress->start;
            break;
        }
        progress->from += part;
        if (progress->from < mapping->end)
            continue;
        mapping->is_partial = false;
        report_code(space, mapping);
    }
    if (progress->has_turned)
        status = unmap_rest(progress, space);
    if (status != STATUS_OK)
        return status;
    return progress->has_turned ? STATUS_NO_MEMORY : (int64_t)progress->start;
}

/* Map at an address that is free: mappings_find(address) was the last thing done. */
static int64_t map_at(struct space *space, const struct space_wanted *wanted, uint64_t address, unsigned prot, unsigned max_prot,
                      struct space_progress *progress)
{
    struct memory *memory = wanted->memory;
    const uint64_t offset = wanted->offset, size = wanted->size;
    struct mapping *mapping = mapping_alloc(space);
    if (!mapping)
        return STATUS_NO_MEMORY;
    if (memory->start == page_guard.start && size / PAGE_SIZE <= page_guard.early)
        page_guard.check_early(page_guard.start + offset, size / PAGE_SIZE);
    const bool is_late = is_entered_late(memory), is_partial = !is_late && part_of(size, PAGES_PER_UNIT) < size;
    if (!is_late && !is_partial && !map_pages(space, address, memory, offset, size, prot)) {
        pool_free(mapping);
        return STATUS_NO_MEMORY;
    }
    mapping->start = address;
    mapping->end = address + size;
    mapping->memory = memory;
    mapping->offset = offset;
    mapping->era = space->era;
    mapping->prot = (uint8_t)prot;
    mapping->max_prot = (uint8_t)max_prot;
    mapping->is_partial = is_partial;
    object_retain(memory);
    mappings_add(&space->mappings, mapping);
    if (is_partial) {
        begin(progress, space, address, size);
        return map_rest(progress, space);
    }
    report_code(space, mapping);
    return (int64_t)address;
}

int64_t space_map_some(struct space *space, const struct space_wanted *wanted, struct space_progress *progress)
{
    if (progress->era)
        return map_rest(progress, space);
    const struct memory *memory = wanted->memory;
    const uint64_t offset = wanted->offset, size = wanted->size;
    const unsigned prot = wanted->prot & ~PROT_FINAL;
    unsigned max_prot = wanted->max_prot & memory_max_prot(memory);
    if (wanted->prot & PROT_FINAL)
        max_prot &= prot;
    if (prot & ~max_prot)
        return STATUS_NO_RIGHT;
    if (!work_left)
        return CALL_AGAIN;
    uint64_t address = wanted->address;
    if (!address)
        address = mappings_find_gap(&space->mappings, space->free_address, size);
    if (!wanted->address && !range_valid(address, size) && range_valid(PROCESS_LOWEST_ADDRESS, size))
        return STATUS_NO_MEMORY; /* no gap is so large */
    if (!range_valid(address, size) || offset % PAGE_SIZE || offset > memory->size || size > memory->size - offset)
        return STATUS_INVALID;
    const struct mapping *after = mappings_find(&space->mappings, address);
    if (after && after->start < address + size)
        return STATUS_OVERLAP;
    return map_at(space, wanted, address, prot, max_prot, progress);
}

int64_t space_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t size, uint64_t address,
                  unsigned prot, unsigned max_prot)
{
    const struct space_wanted wanted = {memory, offset, size, address, prot, max_prot};
    struct space_progress progress = {0};
    int64_t status;
    while ((status = space_map_some(space, &wanted, &progress)) == CALL_AGAIN)
        work_go_on();
    return status;
}

int64_t space_map_made(struct space *space, struct memory *memory, uint64_t address, unsigned prot)
{
    const struct space_wanted wanted = {memory, 0, memory->size, address, prot, PROT_READ_WRITE};
    struct space_progress progress = {0};
    if (!work_left) /* it must begin: until then only the caller's reference keeps the memory */
        work_left = 1;
    int64_t status = space_map_some(space, &wanted, &progress);
    object_release(memory);
    while (status == CALL_AGAIN) {
        work_go_on();
        status = space_map_some(space, &wanted, &progress);
    }
    return status;
}

/* Make `address` a border between mappings where it lies inside one. */
static bool split_at(struct space *space, uint64_t address)
{
    struct mapping *mapping = mappings_find(&space->mappings, address);
    if (!mapping || mapping->start >= address)
        return true;
    struct mapping *rest = mapping_alloc(space);
    if (!rest)
        return false;
    *rest = *mapping;
    rest->start = address;
    rest->offset = offset_at(mapping, address);
    object_retain(rest->memory);
    mapping->end = address;
    mappings_find(&space->mappings, address);
    mappings_add(&space->mappings, rest);
    return true;
}

int64_t space_unmap_some(struct space *space, uint64_t address, uint64_t size, struct space_progress *progress)
{
    if (!progress->era) {
        if (!range_valid(address, size))
            return STATUS_INVALID;
        if (!split_at(space, address) || !split_at(space, address + size))
            return STATUS_NO_MEMORY;
        begin(progress, space, address, size);
    }
    return unmap_rest(progress, space);
}

int64_t space_unmap(struct space *space, uint64_t address, uint64_t size)
{
    struct space_progress progress = {0};
    int64_t status;
    while ((status = space_unmap_some(space, address, size, &progress)) == CALL_AGAIN)
        work_go_on();
    return status;
}

/* STATUS_OK: what is left of the range is mapped without a hole, and all of it may be given this protection. */
static int64_t may_protect(struct space_progress *progress, struct space *space, unsigned prot)
{
    for (unsigned i = 1; progress->from < progress->end; i++) {
        if (!work_left)
            return go_on_later(progress, space);
        const struct mapping *mapping = mappings_find(&space->mappings, progress->from);
        if (!mapping || mapping->start > progress->from)
            return STATUS_OVERLAP;
        if (prot & ~mapping->max_prot)
            return STATUS_NO_RIGHT;
        progress->from = mapping->end;
        if (i % SEEN_PER_UNIT == 0)
            work_did(1);
    }
    return STATUS_OK;
}

/* Protect what is left of the range. A mapping is what it is to be as a whole, before its first page is, so that no part
 * that another thread separates from it is less final; and its pages become what it is by then. */
static int64_t protect_rest(struct space_progress *progress, struct space *space, unsigned prot, bool is_final)
{
    int64_t status;
    for (struct mapping *mapping; (mapping = next_of(progress, space, &status));) {
        const uint64_t from = progress->from, part = part_at(space, mapping, from, PAGES_PER_UNIT);
        if (from == mapping->start && !(prot & ~mapping->max_prot)) {
            mapping->prot = (uint8_t)prot;
            if (is_final)
                mapping->max_prot &= prot;
        }
        mapping->is_partial |= from + part < mapping->end;
        page_protect(space->page_table, from, mapping->memory, offset_at(mapping, from), part, mapping->prot);
        progress->from += part;
        if (progress->from == mapping->end)
            report_code(space, mapping);
    }
    return status;
}

/* Give a page of memory that grows its frame, and an entry for that. False: no memory for one of them. */
static bool take_page(struct space *space, const struct mapping *mapping, uint64_t address)
{
    const uint64_t offset = offset_at(mapping, address);
    return memory_take_page(mapping->memory, offset) &&
           (!is_entered_late(mapping->memory) || page_touch(space->page_table, address) != PAGE_MISSING ||
            map_pages(space, address, mapping->memory, offset, PAGE_SIZE, PROT_NO_ACCESS));
}

/* Pages of memory that grows. False: no memory for one. */
static bool take_pages(struct space *space, uint64_t address, uint64_t size)
{
    for (uint64_t end = address + size; address < end; address += PAGE_SIZE, work_did(1)) {
        const struct mapping *mapping = mappings_find(&space->mappings, address);
        if (mapping && mapping->start <= address && mapping->memory->grows && !take_page(space, mapping, address))
            return false;
    }
    return true;
}

int64_t space_protect_some(struct space *space, uint64_t address, uint64_t size, unsigned prot,
                           struct space_progress *progress)
{
    const bool is_final = prot & PROT_FINAL;
    prot &= ~PROT_FINAL;
    if (!progress->era) {
        if (!range_valid(address, size))
            return STATUS_INVALID;
        if (prot & RIGHT_WRITE && size <= TAKEN_AT_ONCE * PAGE_SIZE && !take_pages(space, address, size))
            return STATUS_NO_MEMORY;
        begin(progress, space, address, size);
    }
    if (!progress->has_turned) {
        int64_t status = may_protect(progress, space, prot);
        if (status != STATUS_OK)
            return status;
        if (!split_at(space, progress->start) || !split_at(space, progress->end))
            return STATUS_NO_MEMORY;
        progress->has_turned = true;
        progress->from = progress->start;
    }
    return protect_rest(progress, space, prot, is_final);
}

int64_t space_protect(struct space *space, uint64_t address, uint64_t size, unsigned prot)
{
    struct space_progress progress = {0};
    int64_t status;
    while ((status = space_protect_some(space, address, size, prot, &progress)) == CALL_AGAIN)
        work_go_on();
    return status;
}

/* The mapping of memory that grows which may be accessed at an address; NULL: there is none. */
static const struct mapping *growing_at(struct space *space, uint64_t address)
{
    const struct mapping *mapping = mappings_find(&space->mappings, address);
    return mapping && mapping->start <= address && mapping->memory->grows && mapping->prot ? mapping : NULL;
}

bool space_grows_at(struct space *space, uint64_t address)
{
    return growing_at(space, address);
}

/* Give a page of memory that grows what makes it accessible. */
static bool grow(struct space *space, uint64_t address, bool is_missing)
{
    const struct mapping *mapping = growing_at(space, address);
    if (!mapping || (is_missing && !is_entered_late(mapping->memory)) || !take_page(space, mapping, address))
        return false;
    page_protect(space->page_table, address, mapping->memory, offset_at(mapping, address), PAGE_SIZE, mapping->prot);
    return true;
}

bool space_touch(struct space *space, uint64_t address)
{
    enum page_touched touched = page_touch(space->page_table, address);
    if (touched == PAGE_NO_ACCESS || touched == PAGE_MISSING)
        return grow(space, PAGE_DOWN(address), touched == PAGE_MISSING);
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
