/* Memory calls that musl does without. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/start.h>

#include "calls.h"
#include "internal.h"

#define BREAK_BEGIN 0x600000000000ul /* where nothing else goes: the kernel chooses other addresses */
#define BREAK_SIZE_MAX (1ul << 40)
#define RESERVED_MAX (32ul << 20)
#define BREAK_STEP (64ul << 10)
#define ROUND_UP(x, unit) (((x) + (unit) - 1) & -(unit))

static volatile int lock;
static unsigned long break_end = BREAK_BEGIN, mapped_end = BREAK_BEGIN;

/* STATUS_OK, or a status of the kernel: STATUS_OVERLAP where something is there. */
static int64_t map_at(unsigned long address, unsigned long size)
{
    const int64_t memory = sys_memory_create(size);
    if (memory < 0)
        return memory;
    const int64_t mapped =
        sys_process_map(sys_start_handle(START_HANDLE_SELF), (handle_t)memory, 0, size, address, PROT_READ_WRITE);
    sys_handle_close((handle_t)memory);
    return mapped < 0 ? mapped : STATUS_OK;
}

/* The end as it is then, which is the old one where there is no memory. */
static unsigned long move_break(unsigned long end)
{
    if (end < BREAK_BEGIN || end - BREAK_BEGIN > BREAK_SIZE_MAX)
        return break_end;
    const unsigned long wanted = ROUND_UP(end, BREAK_STEP);
    if (wanted > mapped_end && map_at(mapped_end, wanted - mapped_end) != STATUS_OK)
        return break_end;
    if (wanted < mapped_end) {
        memory_unmap(wanted, mapped_end - wanted);
        memset((void *)end, 0, wanted - end); /* it is zero when it comes again */
    } else if (end < break_end) {
        memset((void *)end, 0, break_end - end);
    }
    mapped_end = wanted;
    return break_end = end;
}

long linux_brk(unsigned long end)
{
    lock_take(&lock);
    const unsigned long now = move_break(end);
    lock_release(&lock);
    return (long)now;
}

#define FLAGS_KNOWN                                                                                                     \
    (MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_NORESERVE | \
     MAP_POPULATE | MAP_STACK)

/* Flags that would change what is mapped are refused. */
static long check_flags(unsigned long flags)
{
    const unsigned long type = flags & MAP_TYPE;
    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    return flags & ~(unsigned long)FLAGS_KNOWN ? -EOPNOTSUPP : 0;
}

/* What a program may ask of a page; W^X holds for all. */
static long check_protection(unsigned long prot)
{
    if (prot & ~(unsigned long)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    return prot & PROT_WRITE && prot & PROT_EXEC ? -EACCES : 0;
}

long linux_mmap(unsigned long address, unsigned long size, unsigned long prot, unsigned long flags, long file,
                unsigned long offset)
{
    const unsigned long exact = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (!size || offset % AMBILINK_PAGE_SIZE || (exact && (!address || address % AMBILINK_PAGE_SIZE)))
        return -EINVAL;
    if (size > BREAK_SIZE_MAX)
        return -ENOMEM;
    if (!(flags & MAP_ANONYMOUS) && file_control(file, F_GETFL, 0) < 0)
        return -EBADF;
    long error = check_flags(flags);
    if (!error)
        error = check_protection(prot);
    if (!error && flags & MAP_ANONYMOUS && prot & PROT_EXEC)
        error = -EACCES;
    size = ROUND_UP(size, (unsigned long)AMBILINK_PAGE_SIZE);
    if (error)
        return error;
    if (prot == PROT_NONE && flags & MAP_NORESERVE && size >= RESERVED_MAX)
        return -ENOMEM; /* a reservation is memory here; glibc does without its arenas */
    const int64_t taken = flags & MAP_FIXED_NOREPLACE ? map_at(address, size) : STATUS_OK;
    if (taken != STATUS_OK)
        return taken == STATUS_OVERLAP ? -EEXIST : error_of(taken);
    return memory_map(address, size, (long)prot, (long)(flags | (exact ? MAP_FIXED : 0)), file, offset);
}

long linux_munmap(unsigned long address, unsigned long size)
{
    if (!size || address % AMBILINK_PAGE_SIZE)
        return -EINVAL;
    return memory_unmap(address, size);
}

long linux_mprotect(unsigned long address, unsigned long size, unsigned long prot)
{
    const long error = address % AMBILINK_PAGE_SIZE ? -EINVAL : check_protection(prot);
    if (error || !size)
        return error;
    return memory_protect(address, size, (long)prot);
}

/* What is mapped there is taken for private memory that can be written, as allocators have it. */
long linux_mremap(unsigned long address, unsigned long old_size, unsigned long size, unsigned long flags)
{
    if (address % AMBILINK_PAGE_SIZE || !size || !old_size || flags & ~(unsigned long)MREMAP_MAYMOVE)
        return -EINVAL;
    old_size = ROUND_UP(old_size, (unsigned long)AMBILINK_PAGE_SIZE);
    size = ROUND_UP(size, (unsigned long)AMBILINK_PAGE_SIZE);
    if (size < old_size)
        memory_unmap(address + size, old_size - size);
    if (size <= old_size || map_at(address + old_size, size - old_size) == STATUS_OK)
        return (long)address;
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    const long moved = memory_map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved < 0)
        return moved;
    memcpy((void *)moved, (const void *)address, old_size);
    memory_unmap(address, old_size);
    return moved;
}

/* What is given up is zero when it is used again; other advice changes nothing that a program sees. */
long linux_madvise(unsigned long address, unsigned long size, long advice)
{
    if (address % AMBILINK_PAGE_SIZE)
        return -EINVAL;
    if (advice == MADV_DONTNEED)
        memset((void *)address, 0, ROUND_UP(size, (unsigned long)AMBILINK_PAGE_SIZE));
    return 0;
}
