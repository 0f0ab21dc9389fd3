#include "memory/user.h"

#include "base/bytes.h"
#include "memory/frames.h"
#include "memory/page_table.h"

/* A kernel pointer to user memory at `address`, good to the end of its page; NULL when not accessible. */
static uint8_t *user_pointer(struct space *space, uint64_t address, bool write)
{
    unsigned prot;
    uint64_t frame = page_lookup(space->page_table, address, &prot);
    while (!frame && space_touch(space, address))
        frame = page_lookup(space->page_table, address, &prot);
    if (!frame || (write && !(prot & RIGHT_WRITE)))
        return NULL;
    return (uint8_t *)physical_pointer(frame) + address % PAGE_SIZE;
}

static uint64_t left_in_page(uint64_t address, uint64_t size)
{
    uint64_t left = PAGE_SIZE - address % PAGE_SIZE;
    return size < left ? size : left;
}

bool user_read(struct space *space, void *to, uint64_t from, uint64_t size)
{
    uint8_t *target = to;
    while (size) {
        const uint8_t *source = user_pointer(space, from, false);
        if (!source)
            return false;
        uint64_t part = left_in_page(from, size);
        memory_copy(target, source, part);
        target += part;
        from += part;
        size -= part;
    }
    return true;
}

bool user_write(struct space *space, uint64_t to, const void *from, uint64_t size)
{
    const uint8_t *source = from;
    while (size) {
        uint8_t *target = user_pointer(space, to, true);
        if (!target)
            return false;
        uint64_t part = left_in_page(to, size);
        memory_copy(target, source, part);
        to += part;
        source += part;
        size -= part;
    }
    return true;
}

bool user_copy(struct space *to_space, uint64_t to, struct space *from_space, uint64_t from, uint64_t size)
{
    while (size) {
        const uint8_t *source = user_pointer(from_space, from, false);
        if (!source)
            return false;
        uint64_t part = left_in_page(from, size);
        if (!user_write(to_space, to, source, part))
            return false;
        to += part;
        from += part;
        size -= part;
    }
    return true;
}
