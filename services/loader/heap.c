#include "heap.h"

#include <string.h>

void *heap_zeroed(const struct loader *loader, uint64_t size)
{
    void *block = port_allocate(loader->port, size);
    return block ? memset(block, 0, size) : NULL;
}

char *heap_string(const struct loader *loader, const char *text)
{
    uint64_t size = strlen(text) + 1;
    char *copy = port_allocate(loader->port, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void heap_free_string(const struct loader *loader, char *text)
{
    if (text)
        port_free(loader->port, text, strlen(text) + 1);
}
