/* Each frame of the pool is a slab: a head, and pieces of one size. Slabs that have a free piece are in a list. */
#include "memory/pool.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/log.h"
#include "memory/frames.h"

#define HEAD 64

struct piece {
    struct piece *next;
};

struct slab {
    struct slab *next, *previous; /* of the same class, with a free piece */
    struct piece *free;           /* those that were used before */
    uint32_t used;                /* pieces that are in use, */
    uint32_t touched;             /* and that ever were: those behind them are free, and in no list */
};
_Static_assert(sizeof(struct slab) <= HEAD, "a slab's head");

/* As many bytes as fit when a frame without its head is shared by so many. */
static const uint32_t capacities[POOL_CLASSES] = {63, 42, 31, 15, 9, 7, 4, 2};
static const uint32_t piece_sizes[POOL_CLASSES] = {64, 96, 128, 256, 448, 576, 1008, POOL_LARGEST};

static struct pool {
    struct slab *slabs; /* with a free piece */
    uint64_t frames, used;
} pools[POOL_CLASSES];

unsigned pool_class(size_t size)
{
    for (unsigned class = 0; class < POOL_CLASSES; class++)
        if (size <= piece_sizes[class])
            return class;
    panic("object of %u bytes", (uint64_t)size);
}

static void list_add(struct pool *pool, struct slab *slab)
{
    slab->previous = NULL;
    slab->next = pool->slabs;
    if (pool->slabs)
        pool->slabs->previous = slab;
    pool->slabs = slab;
}

static void list_remove(struct pool *pool, struct slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        pool->slabs = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
}

/* NULL: no free frame. */
static struct slab *slab_with_room(struct pool *pool)
{
    if (pool->slabs)
        return pool->slabs;
    uint64_t frame = frame_alloc();
    if (!frame)
        return NULL;
    pool->frames++;
    struct slab *slab = physical_pointer(frame);
    list_add(pool, slab);
    return slab;
}

/* Zeroed, as the frame was. */
static struct piece *take_piece(struct slab *slab, unsigned class)
{
    struct piece *piece = slab->free;
    slab->used++;
    if (!piece)
        return (struct piece *)((uint8_t *)slab + HEAD + (size_t)slab->touched++ * piece_sizes[class]);
    slab->free = piece->next;
    return memory_fill(piece, 0, piece_sizes[class]);
}

void *pool_alloc(size_t size)
{
    unsigned class = pool_class(size);
    struct pool *pool = &pools[class];
    struct slab *slab = failure_due() ? NULL : slab_with_room(pool);
    if (!slab)
        return NULL;
    struct piece *piece = take_piece(slab, class);
    if (slab->used == capacities[class])
        list_remove(pool, slab);
    pool->used++;
    return piece;
}

void pool_free(void *pointer, size_t size)
{
    unsigned class = pool_class(size);
    struct pool *pool = &pools[class];
    struct slab *slab = (struct slab *)PAGE_DOWN((uint64_t)pointer);
    struct piece *piece = pointer;
    if (slab->used == capacities[class])
        list_add(pool, slab);
    piece->next = slab->free;
    slab->free = piece;
    pool->used--;
    if (--slab->used)
        return;
    list_remove(pool, slab);
    pool->frames--;
    frame_free(physical_address(slab));
}

uint64_t pool_frames(unsigned class)
{
    return pools[class].frames;
}

uint64_t pool_used(unsigned class)
{
    return pools[class].used;
}
