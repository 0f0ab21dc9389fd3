/* Memory in blocks of the host's, given back together. */
#include "arena.h"

#include "bytes.h"
#include "ground.h"

#define ALIGN 16
#define BLOCK_SIZE 4096

static struct arena *first_use(struct arena *block, uint64_t size)
{
    *block = (struct arena){.size = size, .used = (sizeof *block + ALIGN - 1) & ~(uint64_t)(ALIGN - 1)};
    return block;
}

static struct arena *new_block(struct ground *ground, uint64_t wanted)
{
    uint64_t size = wanted + sizeof(struct arena) + ALIGN;
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct arena *block = ground->memory ? ground->memory(ground->context, &size) : NULL;
    return block ? first_use(block, size) : NULL;
}

struct arena *arena_within(void *buffer, uint64_t size)
{
    struct arena *block = first_use(buffer, size);
    return block->newest = block;
}

#define CLEARED_AT_ONCE 32768

/* Where the host gives up meanwhile, `stopped` says so. */
static void clear(struct ground *ground, uint8_t *memory, uint64_t size)
{
    for (; ground->pause && size > CLEARED_AT_ONCE; memory += CLEARED_AT_ONCE, size -= CLEARED_AT_ONCE) {
        memset(memory, 0, CLEARED_AT_ONCE);
        ground_pause(ground);
    }
    memset(memory, 0, size);
}

void *arena_alloc(struct ground *ground, struct arena **arena, uint64_t count, size_t size)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > UINT64_MAX / 2)
        bytes = UINT64_MAX / 2;
    bytes = (bytes + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    struct arena *block = *arena ? (*arena)->newest : NULL;
    if (!block || bytes > block->size - block->used) {
        struct arena *fresh = new_block(ground, bytes);
        if (!fresh) {
            ground_refuse(ground, LINK_NO_MEMORY, ground->object, 0, bytes);
            return NULL;
        }
        fresh->previous = block;
        if (!*arena)
            *arena = fresh;
        (*arena)->newest = block = fresh;
    }
    void *memory = (uint8_t *)block + block->used;
    block->used += bytes;
    clear(ground, memory, bytes);
    return memory;
}

void arena_free(struct ground *ground, struct arena **arena)
{
    for (struct arena *block = *arena ? (*arena)->newest : NULL; block;) {
        struct arena *previous = block->previous;
        ground->release(ground->context, block, block->size);
        block = previous;
    }
    *arena = NULL;
}
