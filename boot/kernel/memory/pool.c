/* Slabs: a head, and pieces of one size. Those of a budget that have a free piece are in a list of it. */
#include "memory/pool.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/page.h"
#include "memory/frames.h"

#define HEAD 64

struct piece {
    struct piece *next;
};

struct slab {
    struct slab *next, *previous; /* of the same budget and class, with a free piece */
    struct piece *free;           /* those that were used before */
    struct budget *budget;        /* that pays for the frame; NULL: the kernel */
    uint32_t used;                /* pieces that are in use, */
    uint32_t touched;             /* and that ever were: those behind them are free, and in no list */
    uint32_t class;
};
_Static_assert(sizeof(struct slab) <= HEAD, "a slab's head");

/* As many bytes as fit when a frame without its head is shared by so many. Few sizes, so that a small budget is not used up
 * by slabs that are hardly used: the first are for mappings, memory and replies, for endpoints, and for budgets, the fourth
 * for processes and threads. */
static const uint32_t capacities[SLAB_CLASSES] = {42, 28, 15, 3, 2};
static const uint32_t piece_sizes[SLAB_CLASSES] = {96, 144, 256, 1344, POOL_LARGEST};

static const struct cost one_frame = {.bytes = PAGE_SIZE};
static struct slab *kernels[SLAB_CLASSES];
static uint64_t frames, pieces;

static unsigned class_of(size_t size)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class++)
        if (size <= piece_sizes[class])
            return class;
    panic("object of %u bytes", (uint64_t)size);
}

static struct slab *slab_of(const void *piece)
{
    return (struct slab *)PAGE_DOWN((uint64_t)piece);
}

static struct slab **list_of(struct budget *budget, unsigned class)
{
    return budget ? &budget->slabs[class] : &kernels[class];
}

static void list_add(struct slab **list, struct slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list)
        (*list)->previous = slab;
    *list = slab;
}

static void list_remove(struct slab **list, struct slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
}

/* NULL: no free frame, or none that the budget may have. */
static struct slab *slab_create(struct budget *budget, unsigned class)
{
    if (!budget_take(budget, one_frame))
        return NULL;
    uint64_t frame = frame_alloc();
    if (!frame) {
        budget_give(budget, one_frame);
        return NULL;
    }
    frames++;
    struct slab *slab = physical_pointer(frame);
    slab->budget = budget;
    slab->class = class;
    list_add(list_of(budget, class), slab);
    return slab;
}

/* Nothing is left in it. */
static void slab_destroy(struct slab *slab)
{
    struct budget *budget = slab->budget;
    list_remove(list_of(budget, slab->class), slab);
    frames--;
    frame_free(physical_address(slab));
    budget_give(budget, one_frame);
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

void *pool_alloc(struct budget *budget, size_t size)
{
    unsigned class = class_of(size);
    struct slab **list = list_of(budget, class);
    if (failure_due() || (!*list && !slab_create(budget, class)))
        return NULL;
    struct slab *slab = *list;
    struct piece *piece = take_piece(slab, class);
    if (slab->used == capacities[class])
        list_remove(list, slab);
    pieces++;
    return piece;
}

void pool_free(void *pointer)
{
    struct slab *slab = slab_of(pointer);
    struct piece *piece = pointer;
    if (slab->used == capacities[slab->class])
        list_add(list_of(slab->budget, slab->class), slab);
    piece->next = slab->free;
    slab->free = piece;
    pieces--;
    if (!--slab->used)
        slab_destroy(slab);
}

uint64_t pool_frames(void)
{
    return frames;
}

uint64_t pool_used(void)
{
    return pieces;
}

struct pool_slab pool_slab_of(const void *piece)
{
    const struct slab *slab = slab_of(piece);
    return (struct pool_slab){slab, slab->budget, slab->used};
}
