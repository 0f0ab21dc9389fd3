#include "memory/memory.h"

#include "base/failure.h"
#include "base/work.h"
#include "memory/frames.h"
#include "memory/pool.h"

#define FREED_PER_UNIT 4 /* frames: cheaper than clearing them */
#define SHRUNK_PER_UNIT 2 /* pages of memory that grows, or parts of it that were not touched */
#define POINTERS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))
#define SHIFT_OF_LIST 9 /* POINTERS_PER_PAGE as a power of two */
#define FEW (POOL_LARGEST / sizeof(uint64_t)) /* frames, whose list fits into a piece of the pool */

static uint64_t *slot(const struct memory *memory, uint64_t page)
{
    return memory->frames ? &memory->frames[page] : &memory->lists[page / POINTERS_PER_PAGE][page % POINTERS_PER_PAGE];
}

static void *page_alloc(void)
{
    uint64_t frame = frame_alloc();
    return frame ? physical_pointer(frame) : NULL;
}

static void page_free(void *page)
{
    frame_free(physical_address(page));
}

/* What lists the frames; false: no memory. */
static bool make_list(struct memory *memory, uint64_t pages)
{
    if (pages <= FEW)
        memory->frames = pool_alloc(memory->budget, pages * sizeof(uint64_t));
    else
        memory->lists = page_alloc();
    return memory->frames || memory->lists;
}

static void free_list(struct memory *memory)
{
    if (memory->frames)
        pool_free(memory->frames);
    if (memory->lists)
        page_free(memory->lists);
}

/* One more frame, of many; false: no memory. */
static bool take_listed_frame(struct memory *memory)
{
    uint64_t **list = memory->pages % POINTERS_PER_PAGE ? NULL : &memory->lists[memory->pages / POINTERS_PER_PAGE];
    uint64_t *made = list ? page_alloc() : NULL, frame = !list || made ? frame_alloc() : 0;
    if (!frame) {
        if (made)
            page_free(made);
        return false;
    }
    if (list)
        *list = made;
    *slot(memory, memory->pages++) = frame;
    return true;
}

/* Some frames more, at most so many, up to its size; false: no memory. */
static bool take_frames(struct memory *memory, uint64_t most)
{
    if (!memory->frames)
        return take_listed_frame(memory);
    const uint64_t left = memory->size / PAGE_SIZE - memory->pages, wanted = left < most ? left : most;
    const uint64_t taken = frames_alloc(memory->frames + memory->pages, wanted);
    memory->pages += taken;
    return taken == wanted;
}

/* The last frame, and the page that lists it if it is the first there. */
static void free_frame(struct memory *memory)
{
    uint64_t page = --memory->pages;
    frame_free(*slot(memory, page));
    if (memory->lists && !(page % POINTERS_PER_PAGE))
        page_free(memory->lists[page / POINTERS_PER_PAGE]);
}

/* The pages that it takes of a budget, with those that list them. */
static struct cost cost_of(uint64_t size)
{
    uint64_t pages = size / PAGE_SIZE;
    return (struct cost){.pages = pages <= FEW ? pages : pages + 1 + (pages + POINTERS_PER_PAGE - 1) / POINTERS_PER_PAGE};
}

/* A page that is paid for; NULL: none. */
static void *take_page(struct memory *memory)
{
    const struct cost cost = {.pages = 1};
    if (!budget_take(memory->budget, cost))
        return NULL;
    void *page = page_alloc();
    if (!page) {
        budget_give(memory->budget, cost);
        return NULL;
    }
    memory->pages++;
    memory->charged++;
    return page;
}

/* The way to a page of memory that grows, as far as it is there. */
struct way {
    uint64_t *entry;  /* the last one; 0: no page behind it is there */
    uint64_t *above;  /* leads to the list with that entry; NULL: that list is the first */
    uint64_t covered; /* pages behind the entry; 1: it holds the page's frame */
};

static struct way way_to(const struct memory *memory, uint64_t page)
{
    if (memory->frames)
        return (struct way){.entry = &memory->frames[page], .covered = 1};
    struct way way = {.entry = NULL};
    uint64_t *list = (uint64_t *)memory->lists;
    for (unsigned shift = memory->shift;; shift -= SHIFT_OF_LIST) {
        way.above = way.entry;
        way.entry = &list[page >> shift & (POINTERS_PER_PAGE - 1)];
        way.covered = 1ull << shift;
        if (!shift || !*way.entry)
            return way;
        list = physical_pointer(*way.entry);
    }
}

bool memory_take_page(struct memory *memory, uint64_t offset)
{
    for (;;) {
        const struct way way = way_to(memory, offset / PAGE_SIZE);
        void *made = *way.entry ? NULL : take_page(memory);
        if (made)
            *way.entry = physical_address(made);
        if (!*way.entry || way.covered == 1)
            return *way.entry;
    }
}

/* Free a frame of a memory that an entry leads to, if there is one. */
static void free_at(struct memory *memory, uint64_t *entry)
{
    if (!*entry)
        return;
    frame_free(*entry);
    *entry = 0;
    memory->pages--;
}

/* From the last page on; the size is what may have pages yet. */
static bool shrink(struct memory *memory)
{
    for (unsigned i = 1; memory->size; i++) {
        if (!work_left)
            return false;
        const uint64_t page = memory->size / PAGE_SIZE - 1;
        const struct way way = way_to(memory, page);
        const uint64_t first = page - page % way.covered;
        free_at(memory, way.entry);
        memory->size = first * PAGE_SIZE;
        if (way.above && first % (way.covered * POINTERS_PER_PAGE) == 0) {
            free_at(memory, way.above); /* its list is empty: next comes what is above it */
            memory->size += PAGE_SIZE;
        }
        if (i % SHRUNK_PER_UNIT == 0)
            work_did(1);
    }
    return true;
}

static bool memory_destroy(void *object)
{
    struct memory *memory = object;
    if (memory->grows && !shrink(memory))
        return false;
    if (memory->grows)
        memory->pages = 0;
    for (; memory->pages; work_did(1))
        for (unsigned i = 0; i < FREED_PER_UNIT && memory->pages; i++) {
            if (!work_left)
                return false;
            free_frame(memory);
        }
    free_list(memory);
    budget_give(memory->budget, (struct cost){.pages = memory_charge(memory)});
    pool_free(memory);
    return true;
}

const struct object_type memory_type = {.destroy = memory_destroy};

/* A memory without frames, and what will list them, for a cost that was not taken yet. */
static struct memory *begin(struct budget *budget, uint64_t size, struct cost cost)
{
    /* Asked in advance, so that a request that cannot succeed takes nothing and zeroes nothing. */
    if (!frames_available(cost.pages + 2) || !budget_take(budget, cost))
        return NULL;
    struct memory *memory = pool_alloc(budget, sizeof *memory);
    if (memory) {
        memory->object = (struct object){.type = &memory_type, .references = 1};
        memory->budget = budget;
        memory->size = size;
        if (make_list(memory, size / PAGE_SIZE))
            return memory;
        pool_free(memory);
    }
    budget_give(budget, cost);
    return NULL;
}

struct memory *memory_begin(struct budget *budget, uint64_t size)
{
    return size <= MEMORY_SIZE_MAX ? begin(budget, size, cost_of(size)) : NULL;
}

struct memory *memory_begin_growing(struct budget *budget, uint64_t size, uint64_t present)
{
    const uint64_t pages = size / PAGE_SIZE, listing = pages > FEW;
    if (size > MEMORY_GROWING_MAX)
        return NULL;
    struct memory *memory = begin(budget, size, (struct cost){.pages = listing});
    if (!memory)
        return NULL;
    memory->grows = true;
    for (memory->shift = SHIFT_OF_LIST; pages > POINTERS_PER_PAGE << memory->shift;)
        memory->shift += SHIFT_OF_LIST;
    memory->pages = listing;
    memory->charged = (uint32_t)listing;
    memory->next = (uint32_t)(pages - present / PAGE_SIZE);
    return memory; /* what lists its pages is zeroed */
}

static int64_t take_present(struct memory *memory)
{
    for (; memory->next < memory->size / PAGE_SIZE; memory->next++) {
        if (!work_left)
            return CALL_AGAIN;
        if (!memory_take_page(memory, memory->next * PAGE_SIZE))
            return STATUS_NO_MEMORY;
        work_did(1);
    }
    return STATUS_OK;
}

int64_t memory_grow(struct memory *memory)
{
    if (memory->grows)
        return take_present(memory);
    while (memory->pages < memory->size / PAGE_SIZE) {
        if (!work_left)
            return CALL_AGAIN;
        const uint64_t before = memory->pages;
        if (!take_frames(memory, work_left))
            return STATUS_NO_MEMORY;
        work_did((unsigned)(memory->pages - before));
    }
    return STATUS_OK;
}

struct memory *memory_growing;

static int64_t grow_all(struct memory *memory)
{
    int64_t status;
    memory_growing = memory;
    while ((status = memory_grow(memory)) == CALL_AGAIN && !gives_up())
        work_go_on();
    memory_growing = NULL;
    return status;
}

static struct memory *create(struct budget *budget, uint64_t size, bool grows, uint64_t present)
{
    struct memory *memory;
    while (!(memory = grows ? memory_begin_growing(budget, size, present) : memory_begin(budget, size)) && coroutine_runs &&
           memory_comes_back() && !gives_up())
        work_go_on();
    if (memory && grow_all(memory) != STATUS_OK) {
        object_release(memory);
        return NULL;
    }
    return memory;
}

struct memory *memory_create(struct budget *budget, uint64_t size)
{
    return create(budget, size, false, 0);
}

struct memory *memory_create_growing(struct budget *budget, uint64_t size, uint64_t present)
{
    return create(budget, size, true, present);
}

struct memory *memory_create_run(uint64_t start, uint64_t size)
{
    struct memory *memory = pool_alloc(NULL, sizeof *memory);
    if (memory)
        *memory = (struct memory){.object = {.type = &memory_type, .references = 1}, .size = size, .start = start};
    return memory;
}

uint64_t memory_frame(const struct memory *memory, uint64_t offset)
{
    if (memory->grows) {
        const struct way way = way_to(memory, offset / PAGE_SIZE);
        return way.covered == 1 ? *way.entry : 0;
    }
    return memory->start ? memory->start + offset : *slot(memory, offset / PAGE_SIZE);
}

const uint64_t *memory_list(const struct memory *memory, uint64_t offset, uint64_t *count)
{
    const uint64_t page = offset / PAGE_SIZE;
    *count = memory->frames ? memory->pages - page : POINTERS_PER_PAGE - page % POINTERS_PER_PAGE;
    return slot(memory, page);
}

uint64_t memory_charge(const struct memory *memory)
{
    return memory->start ? 0 : memory->grows ? memory->charged : cost_of(memory->size).pages;
}

uint64_t memory_frames(const struct memory *memory)
{
    if (memory->start || memory->frames || memory->grows)
        return memory->pages;
    return memory->pages + (memory->pages + POINTERS_PER_PAGE - 1) / POINTERS_PER_PAGE + 1;
}
