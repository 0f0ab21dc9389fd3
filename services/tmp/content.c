/* What is in a file: parts of doubling size, so that it grows without being copied. */
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "tree.h"

bool part_of(struct node *node, uint64_t offset, struct span *span)
{
    if (offset >= TMP_SIZE_MAX)
        return false;
    unsigned index = 0;
    uint64_t start = 0, size = PART_FIRST;
    while (offset >= start + size) {
        start += size;
        size = start;
        index++;
    }
    *span = (struct span){start, size, &node->parts[index]};
    return true;
}

int64_t part_set(struct node *node, uint64_t offset, handle_t memory)
{
    struct span span;
    if (!part_of(node, offset, &span) || span.part->memory || sys_memory_size(memory) != (int64_t)span.size)
        return STATUS_INVALID;
    if (node->owner->parts >= PARTS_OF_OWNER)
        return STATUS_LIMIT;
    int64_t here = sys_process_map(sys_start_handle(START_HANDLE_SELF), memory, 0, span.size, 0, PROT_READ_WRITE);
    if (here < 0)
        return here;
    memset((void *)here, 0, span.size); /* its giver may have written to it */
    *span.part = (struct part){memory, (uint8_t *)here};
    node->owner->parts++;
    return STATUS_OK;
}

static void drop(struct node *node, struct part *part, uint64_t size)
{
    if (!part->memory)
        return;
    sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)(uintptr_t)part->here, size);
    sys_handle_close(part->memory);
    *part = (struct part){0};
    node->owner->parts--;
}

void node_resize(struct node *node, uint64_t size)
{
    struct span span;
    for (uint64_t at = size; at < node->size && part_of(node, at, &span); at = span.start + span.size) {
        if (span.start >= size)
            drop(node, span.part, span.size);
        else if (span.part->memory)
            memset(span.part->here + (size - span.start), 0, span.size - (size - span.start));
    }
    node->size = size;
    node->changed = sys_clock(CLOCK_WALL);
}

void node_free_parts(struct node *node)
{
    struct span span;
    for (uint64_t at = 0; part_of(node, at, &span); at = span.start + span.size)
        drop(node, span.part, span.size);
}
