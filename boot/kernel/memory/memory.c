#include "memory/memory.h"

#include "memory/frames.h"
#include "memory/pool.h"

#define POINTERS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))
#define FEW (POOL_LARGEST / sizeof(uint64_t)) /* frames, whose list fits into a piece of the pool */

static bool is_small(const struct memory *memory)
{
    return memory->size / PAGE_SIZE <= FEW;
}

static uint64_t *slot(const struct memory *memory, uint64_t page)
{
    return is_small(memory) ? &memory->frames[page] : &memory->lists[page / POINTERS_PER_PAGE][page % POINTERS_PER_PAGE];
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

/* Free its first `pages` frames, and what lists them. */
static void free_frames(struct memory *memory, uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++)
        frame_free(*slot(memory, page));
    if (memory->frames)
        pool_free(memory->frames, memory->size / PAGE_SIZE * sizeof(uint64_t));
    if (!memory->lists)
        return;
    for (uint64_t list = 0; list < POINTERS_PER_PAGE && memory->lists[list]; list++)
        page_free(memory->lists[list]);
    page_free(memory->lists);
}

/* False: no memory, and it has no frames. */
static bool take_frames(struct memory *memory, uint64_t pages)
{
    if (is_small(memory))
        memory->frames = pool_alloc(pages * sizeof(uint64_t));
    else
        memory->lists = page_alloc();
    uint64_t page = 0;
    for (; (memory->frames || memory->lists) && page < pages; page++) {
        uint64_t **list = memory->lists ? &memory->lists[page / POINTERS_PER_PAGE] : NULL;
        if (list && !*list && !(*list = page_alloc()))
            break;
        if (!(*slot(memory, page) = frame_alloc()))
            break;
    }
    if (page < pages)
        free_frames(memory, page);
    return page == pages;
}

static void memory_destroy(void *object)
{
    struct memory *memory = object;
    if (!memory->start)
        free_frames(memory, memory->size / PAGE_SIZE);
    pool_free(memory, sizeof *memory);
}

const struct object_type memory_type = {.destroy = memory_destroy};

struct memory *memory_create(uint64_t size)
{
    /* Asked in advance, so that a request that cannot succeed takes nothing and zeroes nothing. */
    uint64_t pages = size / PAGE_SIZE;
    if (size > MEMORY_SIZE_MAX || !frames_available(pages + pages / POINTERS_PER_PAGE + 3))
        return NULL;
    struct memory *memory = pool_alloc(sizeof *memory);
    if (!memory)
        return NULL;
    memory->object = (struct object){&memory_type, 1};
    memory->size = size;
    if (!take_frames(memory, pages)) {
        pool_free(memory, sizeof *memory);
        return NULL;
    }
    return memory;
}

struct memory *memory_create_run(uint64_t start, uint64_t size)
{
    struct memory *memory = pool_alloc(sizeof *memory);
    if (memory)
        *memory = (struct memory){.object = {&memory_type, 1}, .size = size, .start = start};
    return memory;
}

unsigned memory_max_prot(const struct memory *memory)
{
    return memory->start ? PROT_READ_EXECUTE : PROT_READ_WRITE;
}

uint64_t memory_frame(const struct memory *memory, uint64_t offset)
{
    return memory->start ? memory->start + offset : *slot(memory, offset / PAGE_SIZE);
}

struct memory_cost memory_cost(const struct memory *memory)
{
    uint64_t pages = memory->size / PAGE_SIZE;
    if (memory->start)
        return (struct memory_cost){0};
    if (memory->frames)
        return (struct memory_cost){.frames = pages, .list_size = pages * sizeof(uint64_t)};
    return (struct memory_cost){.frames = pages + (pages + POINTERS_PER_PAGE - 1) / POINTERS_PER_PAGE + 1};
}
