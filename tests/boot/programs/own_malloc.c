/* A malloc that counts, to be preloaded. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Alignas(16) uint8_t pool[1 << 18];
static size_t used;
long own_malloc_calls;

int preloaded_as(void)
{
    return 1;
}

void *aligned_alloc(size_t align, size_t size)
{
    size_t at = (used + 16 + align - 1) & -align;
    own_malloc_calls++;
    if (at > sizeof pool || size > sizeof pool - at)
        return NULL;
    memcpy(pool + at - 8, &size, 8);
    used = at + size;
    return pool + at;
}

void *malloc(size_t size)
{
    return aligned_alloc(16, size);
}

void *calloc(size_t count, size_t size)
{
    void *block = malloc(count * size);
    return block ? memset(block, 0, count * size) : NULL;
}

void free(void *block)
{
    own_malloc_calls += block != NULL;
}

void *realloc(void *block, size_t size)
{
    size_t before = 0;
    void *other = malloc(size);
    if (block)
        memcpy(&before, (uint8_t *)block - 8, 8);
    return other && block ? memcpy(other, block, before < size ? before : size) : other;
}
