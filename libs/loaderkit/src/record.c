/* Memory for the loader's own records. A system whose port has no allocator gives whole pages: each block begins with the
 * memory that it lies in. */
#include <string.h>

#include "internal.h"

struct page_block {
    _Alignas(64) struct staging memory;
};

void *record_allocate(struct loader *loader, uint64_t *size)
{
    const struct loader_port *port = loader->port;
    if (port->allocate)
        return port->allocate(loader->context, size);
    if (*size > UINT64_MAX / 2)
        return NULL;
    struct staging memory = {.size = whole_pages(*size + sizeof(struct page_block))};
    if (!port->memory_make(loader->context, &memory))
        return NULL;
    struct page_block *block = (struct page_block *)memory.here;
    block->memory = memory;
    *size = memory.size - sizeof *block;
    return block + 1;
}

void record_release(struct loader *loader, void *block, uint64_t size)
{
    const struct loader_port *port = loader->port;
    if (port->allocate) {
        port->release(loader->context, block, size);
        return;
    }
    const struct staging memory = ((struct page_block *)block - 1)->memory;
    port->memory_free(loader->context, &memory);
}
