#include <errno.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/start.h>

#include "internal.h"

#pragma weak memory_map_file /* of the group `files` (posix/groups.h) */

#define PAGE_MASK ((unsigned long)AMBILINK_PAGE_SIZE - 1)
#define MAP_LENGTH_MAX (1ul << 43) /* bytes of one memory object whose pages come when they are touched */
#define PART_MAX (1ul << 30)       /* of another one */
#define TRIES 8

static unsigned protection(long prot)
{
    if (prot & PROT_EXEC)
        return PROT_READ_EXECUTE;
    if (prot & PROT_WRITE)
        return PROT_READ_WRITE;
    return prot & PROT_READ ? PROT_READ_ONLY : PROT_NO_ACCESS;
}

static handle_t self(void)
{
    return sys_start_handle(START_HANDLE_SELF);
}

static int64_t map_whole(int64_t memory, unsigned long address, unsigned long size, unsigned prot)
{
    if (memory < 0)
        return memory;
    const int64_t mapped = sys_process_map(self(), (handle_t)memory, 0, size, address, prot);
    sys_handle_close((handle_t)memory);
    return mapped;
}

/* What may not be accessed yet, such as a thread's stack. */
static int64_t map_reserve(unsigned long address, unsigned long size)
{
    return map_whole(sys_memory_create_growing(0, size, 0), address, size, PROT_NO_ACCESS);
}

/* Side by side, from an address on; one part alone where the kernel chooses (0). Its address, or a status. */
static int64_t map_parts(unsigned long address, unsigned long size, unsigned prot)
{
    int64_t mapped = 0;
    for (unsigned long done = 0; mapped >= 0 && done < size; done += PART_MAX) {
        const unsigned long part = size - done < PART_MAX ? size - done : PART_MAX;
        mapped = map_whole(sys_memory_create(part), address ? address + done : 0, part, prot);
        if (mapped < 0 && done)
            sys_process_unmap(self(), address, done);
    }
    return mapped < 0 || !address ? mapped : (int64_t)address;
}

/* The kernel chooses a place for all parts; until they are there others may map something into it. */
static int64_t map_somewhere(unsigned long size, unsigned prot)
{
    int64_t mapped = STATUS_OVERLAP;
    for (int i = 0; mapped == STATUS_OVERLAP && i < TRIES; i++) {
        const int64_t place = map_reserve(0, size);
        if (place < 0)
            return place;
        sys_process_unmap(self(), (unsigned long)place, size);
        mapped = map_parts((unsigned long)place, size, prot);
    }
    return mapped == STATUS_OVERLAP ? STATUS_NO_MEMORY : mapped;
}

static int64_t map_anonymous(unsigned long address, unsigned long size, unsigned prot)
{
    if (prot == PROT_NO_ACCESS)
        return map_reserve(address, size);
    return !address && size > PART_MAX ? map_somewhere(size, prot) : map_parts(address, size, prot);
}

long memory_map(unsigned long address, unsigned long size, long prot, long flags, long file, unsigned long offset)
{
    if (!(flags & MAP_ANONYMOUS))
        return memory_map_file ? memory_map_file(address, size, prot, flags, file, offset) : -EBADF;
    if (!size)
        return -EINVAL;
    if (size > MAP_LENGTH_MAX)
        return -ENOMEM;
    if ((prot & PROT_WRITE) && (prot & PROT_EXEC))
        return -EACCES;
    size = (size + PAGE_MASK) & ~PAGE_MASK;
    if (!(flags & MAP_FIXED))
        address = 0;
    else if (address)
        sys_process_unmap(self(), address, size);
    const int64_t mapped = map_anonymous(address, size, protection(prot));
    return mapped < 0 ? error_of(mapped) : mapped;
}

long memory_unmap(unsigned long address, unsigned long size)
{
    return error_of(sys_process_unmap(self(), address, (size + PAGE_MASK) & ~PAGE_MASK));
}

long memory_protect(unsigned long address, unsigned long size, long prot)
{
    if ((prot & PROT_WRITE) && (prot & PROT_EXEC))
        return -EACCES;
    return error_of(sys_process_protect(self(), address, (size + PAGE_MASK) & ~PAGE_MASK, protection(prot)));
}
