#include "kernel.h"

#define POINTERS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

struct memory *memory_create(uint64_t size)
{
    /* Asked in advance, so that a request that cannot succeed takes nothing and frees nothing. */
    uint64_t pages = size / PAGE_SIZE;
    if (!frames_available(pages + pages / POINTERS_PER_PAGE + 3))
        return NULL;
    struct memory *memory = pool_alloc(sizeof *memory);
    uint64_t directory = frame_alloc();
    if (!memory || !directory)
        panic("frame accounting is wrong");
    memory->object = (struct object){OBJECT_MEMORY, 1};
    memory->size = size;
    memory->directory = physical_pointer(directory);
    for (uint64_t page = 0; page < pages; page++) {
        uint64_t *slot = &memory->directory[page / POINTERS_PER_PAGE];
        if (!*slot)
            *slot = frame_alloc();
        ((uint64_t *)physical_pointer(*slot))[page % POINTERS_PER_PAGE] = frame_alloc();
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
    if (memory->start)
        return memory->start + offset;
    uint64_t page = offset / PAGE_SIZE;
    uint64_t *frames = physical_pointer(memory->directory[page / POINTERS_PER_PAGE]);
    return frames[page % POINTERS_PER_PAGE];
}

void memory_destroy(struct memory *memory)
{
    if (!memory->start) {
        for (uint64_t offset = 0; offset < memory->size; offset += PAGE_SIZE)
            frame_free(memory_frame(memory, offset));
        for (unsigned i = 0; i < POINTERS_PER_PAGE; i++)
            if (memory->directory[i])
                frame_free(memory->directory[i]);
        frame_free((uint64_t)memory->directory - physical_offset);
    }
    pool_free(memory, sizeof *memory);
}
