/* The pool of small objects, by malloc: AddressSanitizer sees what is used after its end, and what reaches beyond
 * it. */
#include "memory/pool.h"

#include <stdlib.h>

#include "base/failure.h"
#include "base/log.h"

#define LIMIT (8u << 20) /* bytes */

static uint64_t pieces, bytes;

void *pool_alloc(size_t size)
{
    if (size > POOL_LARGEST)
        panic("object of %u bytes", (uint64_t)size);
    if (failure_due() || bytes + size > LIMIT)
        return NULL;
    uint64_t *head = calloc(1, size + 16); /* the size, so that it is the one that is freed */
    head[0] = size;
    pieces++;
    bytes += size;
    return head + 2;
}

void pool_free(void *pointer, size_t size)
{
    uint64_t *head = (uint64_t *)pointer - 2;
    if (head[0] != size)
        panic("a piece of %u bytes is freed as one of %u", head[0], (uint64_t)size);
    pieces--;
    bytes -= size;
    free(head);
}

uint64_t pool_used(unsigned class)
{
    return class ? 0 : pieces;
}
