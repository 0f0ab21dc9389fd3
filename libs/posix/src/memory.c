#include <errno.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/start.h>

#include "internal.h"

#pragma weak memory_map_file /* of the group `files` (posix/groups.h) */

#define PAGE_MASK ((unsigned long)AMBILINK_PAGE_SIZE - 1)
#define MAP_LENGTH_MAX (1ul << 40)
#define PART_MAX (1ul << 30) /* bytes of one memory object */
#define LARGE_FIRST (1ul << 44)
#define LARGE_RANDOM 0x3ffffff000ul

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

/* Side by side, from an address on; one part alone where the kernel chooses (0). Its address, or a status. */
static int64_t map_parts(unsigned long address, unsigned long size, unsigned prot)
{
    int64_t mapped = 0;
    for (unsigned long done = 0; mapped >= 0 && done < size; done += PART_MAX) {
        const unsigned long part = size - done < PART_MAX ? size - done : PART_MAX;
        /* What may not be accessed yet is a reserve, such as a thread's stack. */
        const int64_t memory = prot == PROT_NO_ACCESS ? sys_memory_create_growing(0, part, 0) : sys_memory_create(part);
        mapped = memory < 0 ? memory : sys_process_map(self(), (handle_t)memory, 0, part, address ? address + done : 0, prot);
        if (memory > 0)
            sys_handle_close((handle_t)memory);
        if (mapped < 0 && done)
            sys_process_unmap(self(), address, done);
    }
    return mapped < 0 || !address ? mapped : (int64_t)address;
}

/* The kernel chooses a place for one part, and what is behind it may be taken: so places are tried. */
static int64_t map_somewhere(unsigned long size, unsigned prot)
{
    unsigned long address = LARGE_FIRST + ((unsigned long)sys_start_info() & LARGE_RANDOM);
    int64_t mapped = STATUS_OVERLAP;
    for (; mapped == STATUS_OVERLAP && address + size < PROCESS_HIGHEST_ADDRESS; address += PART_MAX)
        mapped = map_parts(address, size, prot);
    return mapped == STATUS_OVERLAP ? STATUS_NO_MEMORY : mapped;
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
    int64_t mapped = !address && size > PART_MAX ? map_somewhere(size, protection(prot)) : map_parts(address, size, protection(prot));
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
