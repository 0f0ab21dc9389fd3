#include "kernel.h"

#define POINTERS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))
#define FEW (POINTERS_PER_PAGE / 2) /* frames, whose list fits into a piece of the pool */

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
    frame_free((uint64_t)page - physical_offset);
}

struct memory *memory_create(uint64_t size)
{
    /* Asked in advance, so that a request that cannot succeed takes nothing and frees nothing. */
    uint64_t pages = size / PAGE_SIZE;
    if (!frames_available(pages + pages / POINTERS_PER_PAGE + 3))
        return NULL;
    struct memory *memory = pool_alloc(sizeof *memory);
    if (!memory)
        panic("frame accounting is wrong");
    memory->object = (struct object){OBJECT_MEMORY, 1};
    memory->size = size;
    if (is_small(memory))
        memory->frames = pool_alloc(pages * sizeof(uint64_t));
    else
        memory->lists = page_alloc();
    if (!memory->frames && !memory->lists)
        panic("frame accounting is wrong");
    for (uint64_t page = 0; page < pages; page++) {
        if (memory->lists && page % POINTERS_PER_PAGE == 0)
            memory->lists[page / POINTERS_PER_PAGE] = page_alloc();
        *slot(memory, page) = frame_alloc();
    }
    return memory;
}

struct memory *memory_create_run(uint64_t start, uint64_t size)
{
    struct memory *memory = pool_alloc(sizeof *memory);
    if (!memory)
        return NULL;
    memory->object = (struct object){OBJECT_MEMORY, 1};
    memory->size = size;
    memory->start = start;
    return memory;
}

uint64_t memory_frame(const struct memory *memory, uint64_t offset)
{
    return memory->start ? memory->start + offset : *slot(memory, offset / PAGE_SIZE);
}

static void free_frames(struct memory *memory)
{
    uint64_t pages = memory->size / PAGE_SIZE;
    for (uint64_t page = 0; page < pages; page++)
        frame_free(*slot(memory, page));
    if (is_small(memory)) {
        pool_free(memory->frames, pages * sizeof(uint64_t));
        return;
    }
    for (uint64_t page = 0; page < pages; page += POINTERS_PER_PAGE)
        page_free(memory->lists[page / POINTERS_PER_PAGE]);
    page_free(memory->lists);
}

void memory_destroy(struct memory *memory)
{
    if (!memory->start)
        free_frames(memory);
    pool_free(memory, sizeof *memory);
}
