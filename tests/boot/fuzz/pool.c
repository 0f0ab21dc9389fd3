/* The pool of small objects, by malloc: AddressSanitizer sees what is used after its end, and what reaches beyond
 * it. */
#include "memory/pool.h"

#include <stdlib.h>

#include "base/failure.h"
#include "base/log.h"

#define LIMIT (8u << 20) /* bytes */

struct head {
    struct budget *budget;
    uint64_t size;
};

static uint64_t pieces, bytes;

void *pool_alloc(struct budget *budget, size_t size)
{
    if (size > POOL_LARGEST)
        panic("object of %u bytes", (uint64_t)size);
    if (failure_due() || bytes + size > LIMIT || !budget_take(budget, (struct cost){.bytes = size}))
        return NULL;
    struct head *head = calloc(1, sizeof *head + size);
    *head = (struct head){budget, size};
    pieces++;
    bytes += size;
    return head + 1;
}

void pool_free(void *pointer)
{
    struct head *head = (struct head *)pointer - 1;
    struct head was = *head;
    pieces--;
    bytes -= was.size;
    free(head);
    budget_give(was.budget, (struct cost){.bytes = was.size});
}

uint64_t pool_used(void)
{
    return pieces;
}
