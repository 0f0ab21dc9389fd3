#include <errno.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/start.h>

#include "internal.h"

#pragma weak memory_map_file /* of the group `files` (posix/groups.h) */

#define PAGE_MASK ((unsigned long)AMBILINK_PAGE_SIZE - 1)
#define MAP_LENGTH_MAX (1ul << 40)

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
    int64_t memory = sys_memory_create(size);
    if (memory < 0)
        return error_of(memory);
    if (!(flags & MAP_FIXED))
        address = 0;
    else if (address)
        sys_process_unmap(self(), address, size);
    int64_t mapped = sys_process_map(self(), (handle_t)memory, 0, size, address, protection(prot));
    sys_handle_close((handle_t)memory);
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
