/* Memory in blocks of the host's, given back together. */
#include <string.h>

#include "internal.h"

#define ALIGN 16
#define BLOCK_SIZE 8192

static struct arena *new_block(struct link *link, uint64_t wanted)
{
    uint64_t size = wanted + sizeof(struct arena) + ALIGN;
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct arena *block = link->host->memory(link->host->context, &size);
    if (!block)
        return NULL;
    *block = (struct arena){.size = size, .used = (sizeof *block + ALIGN - 1) & ~(uint64_t)(ALIGN - 1)};
    return block;
}

void *arena_alloc(struct link *link, struct arena **arena, uint64_t count, size_t size)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > UINT64_MAX / 2) {
        link_refuse(link, LINK_NO_MEMORY, link->first, NULL, 0, bytes);
        return NULL;
    }
    bytes = (bytes + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    struct arena *block = *arena ? (*arena)->newest : NULL;
    if (!block || bytes > block->size - block->used) {
        struct arena *fresh = new_block(link, bytes);
        if (!fresh) {
            link_refuse(link, LINK_NO_MEMORY, link->first, NULL, 0, bytes);
            return NULL;
        }
        fresh->previous = block;
        if (!*arena)
            *arena = fresh;
        (*arena)->newest = block = fresh;
    }
    void *memory = (uint8_t *)block + block->used;
    block->used += bytes;
    return memset(memory, 0, bytes);
}

void *scratch_alloc(struct link *link, uint64_t count, size_t size)
{
    return arena_alloc(link, &link->scratch, count, size);
}

void arena_free(struct link *link, struct arena **arena)
{
    for (struct arena *block = *arena ? (*arena)->newest : NULL; block;) {
        struct arena *previous = block->previous;
        link->host->release(link->host->context, block, block->size);
        block = previous;
    }
    *arena = NULL;
}
