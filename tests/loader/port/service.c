/* What the policy asks of the system for itself: memory, numbers, lines, whether the image is intact. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"

bool port_image_check(struct port *port, uint64_t offset, uint64_t size)
{
    uint64_t page;
    if (!is_pages(offset + PAGE) || offset > port->image_size || size > port->image_size - offset)
        misuse("a range of the image that is none: %" PRIx64 ", %" PRIu64 " bytes", offset, size);
    return port->trusted || tree_check_range(&port->tree, offset, size, &page);
}

void port_booted(struct port *port)
{
    if (port->booted)
        misuse("booted twice");
    port->booted = true;
    printf("booted\n");
}

void port_verdict(struct port *port, bool passed)
{
    (void)port;
    printf("verdict %s\n", passed ? "passed" : "failed");
}

void *port_allocate(struct port *port, uint64_t size)
{
    if (call_fails(port, "allocate"))
        return NULL;
    uint64_t *block = malloc(size + 16);
    if (!block)
        misuse("no memory on this machine");
    memset(block, 0xa5, size + 16);
    block[0] = size;
    port->blocks++;
    port->block_bytes += size;
    return block + 2;
}

void port_free(struct port *port, void *block, uint64_t size)
{
    if (!block)
        misuse("free of nothing");
    uint64_t *own = (uint64_t *)block - 2;
    if (own[0] != size)
        misuse("a block of %" PRIu64 " bytes is freed with size %" PRIu64, own[0], size);
    port->blocks--;
    port->block_bytes -= size;
    memset(own, 0x5a, size + 16);
    free(own);
}

uint64_t port_random(struct port *port)
{
    port->random = port->random * 6364136223846793005u + 1442695040888963407u;
    return port->random ^ port->random >> 29;
}

void port_log(struct port *port, const char *line, uint64_t size)
{
    (void)port;
    if (!size || line[size - 1] != '\n' || memchr(line, '\n', size - 1))
        misuse("a report is not one line");
    printf("log %.*s", (int)size, line);
}
