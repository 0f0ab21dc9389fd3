/* Pieces of a power of two; a frame that was cut up never goes back. */
#include "memory/pool.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/log.h"
#include "memory/frames.h"

#define SMALLEST 64

struct piece {
    struct piece *next;
};

static struct pool {
    struct piece *free;
    uint64_t frames;
} pools[POOL_CLASSES];

unsigned pool_class(size_t size)
{
    unsigned class = 0;
    while ((size_t)SMALLEST << class < size)
        class++;
    if (class >= POOL_CLASSES)
        panic("object of %u bytes", (uint64_t)size);
    return class;
}

void *pool_alloc(size_t size)
{
    unsigned class = pool_class(size);
    struct pool *pool = &pools[class];
    size_t piece_size = (size_t)SMALLEST << class;
    if (failure_due())
        return NULL;
    if (!pool->free) {
        uint64_t frame = frame_alloc();
        if (!frame)
            return NULL;
        pool->frames++;
        uint8_t *page = physical_pointer(frame);
        for (size_t at = 0; at < PAGE_SIZE; at += piece_size)
            pool_free(page + at, size);
    }
    struct piece *piece = pool->free;
    pool->free = piece->next;
    memory_fill(piece, 0, piece_size);
    return piece;
}

void pool_free(void *pointer, size_t size)
{
    struct pool *pool = &pools[pool_class(size)];
    struct piece *piece = pointer;
    piece->next = pool->free;
    pool->free = piece;
}

uint64_t pool_frames(unsigned class)
{
    return pools[class].frames;
}

uint64_t pool_used(unsigned class)
{
    uint64_t used = pools[class].frames * (PAGE_SIZE / ((size_t)SMALLEST << class));
    for (const struct piece *piece = pools[class].free; piece; piece = piece->next)
        used--;
    return used;
}
