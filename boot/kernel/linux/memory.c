#include "linux/memory.h"

#include "base/work.h"
#include "linux/error.h"
#include "linux/files.h"
#include "object/thread.h"

#define MAP_TYPE 0xf
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_SHARED_VALIDATE 3
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_FIXED_NOREPLACE 0x100000
/* What is mapped is there at once and stays: MAP_DENYWRITE, _EXECUTABLE, _LOCKED, _NORESERVE, _POPULATE, _NONBLOCK,
 * _STACK and _UNINITIALIZED change nothing. */
#define MAP_NO_MATTER 0x403f800
#define MAP_KNOWN (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NO_MATTER)

static int64_t error_of(int64_t status)
{
    switch (status) {
    case STATUS_NO_MEMORY:
        return LINUX_ENOMEM;
    case STATUS_NO_RIGHT:
        return LINUX_EACCES;
    case STATUS_OVERLAP:
        return LINUX_EEXIST;
    default:
        return LINUX_EINVAL;
    }
}

/* Linux' bits are this kernel's. Pages that cannot be read are not offered. 0 or an error: no page is writable and
 * executable. */
static int64_t prot_of(uint64_t bits, unsigned *prot)
{
    if (bits > (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE))
        return LINUX_EINVAL;
    *prot = bits ? (unsigned)bits | PROT_READ_ONLY : PROT_NO_ACCESS;
    return bits & RIGHT_WRITE && bits & RIGHT_EXECUTE ? LINUX_EACCES : 0;
}

/* Flags of mmap, and whether what is asked for can be had: 0 or an error. A file cannot be written, and anonymous
 * memory not be executed. */
static int64_t check_flags(uint64_t flags, unsigned prot, const struct linux_descriptor *found)
{
    uint64_t type = flags & MAP_TYPE;
    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return LINUX_EINVAL;
    if (flags & ~(uint64_t)MAP_KNOWN)
        return LINUX_EOPNOTSUPP;
    bool writes_file = found->file && type != MAP_PRIVATE && prot & RIGHT_WRITE;
    bool executes_memory = !found->file && prot & RIGHT_EXECUTE;
    return writes_file || executes_memory ? LINUX_EACCES : 0;
}

/* Takes `memory`. */
static int64_t map_copy(struct memory *memory, uint64_t address, uint64_t size, unsigned prot, const struct image_file *file,
                        uint64_t offset)
{
    struct space *space = current_thread->space;
    int64_t mapped = space_map(space, memory, 0, size, address, PROT_READ_WRITE, PROT_READ_WRITE);
    object_release(memory);
    if (mapped < 0)
        return error_of(mapped);
    int64_t done = file ? linux_read_at(file, offset, (uint64_t)mapped, size) : 0;
    if (done >= 0 && prot != PROT_READ_WRITE) {
        int64_t status = space_protect(space, (uint64_t)mapped, size, prot);
        done = status < 0 ? error_of(status) : 0;
    }
    if (done >= 0)
        return mapped;
    space_unmap(space, (uint64_t)mapped, size); /* a whole mapping: this needs no memory */
    return done;
}

/* The frames of a file, and behind its end addresses that nothing else gets and that cannot be accessed: there Linux
 * has pages that fault. */
static int64_t map_file(uint64_t address, uint64_t size, unsigned prot, const struct image_file *file, uint64_t offset)
{
    struct space *space = current_thread->space;
    uint64_t end = PAGE_UP(file->size), there = offset < end ? end - offset : 0;
    for (uint64_t done = 0, part; done < size; done += part) {
        bool is_file = done < there;
        uint64_t most = is_file ? there - done : boot_image.run->size;
        part = size - done < most ? size - done : most;
        int64_t status = space_map(space, boot_image.run, is_file ? file->offset + offset : 0, part, address + done,
                                   is_file ? prot : PROT_NO_ACCESS, is_file ? PROT_READ_EXECUTE : PROT_NO_ACCESS);
        if (status < 0) {
            if (done)
                space_unmap(space, address, done);
            return error_of(status);
        }
    }
    return (int64_t)address;
}

/* Where a mapping goes, and nothing is there: 0 or an error. */
static int64_t make_room(uint64_t *address, uint64_t size, uint64_t flags)
{
    struct space *space = current_thread->space;
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return (*address = space_find_unused(space, size)) ? 0 : LINUX_ENOMEM;
    int64_t status = flags & MAP_FIXED_NOREPLACE ? STATUS_OK : space_unmap(space, *address, size);
    return status == STATUS_OK ? 0 : error_of(status);
}

int64_t linux_mmap(uint64_t address, uint64_t size, uint64_t bits, uint64_t flags, uint64_t number, uint64_t offset)
{
    struct linux_descriptor found = {0};
    unsigned prot;
    size = PAGE_UP(size);
    bool exact = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (!size || offset % PAGE_SIZE || (exact && (!address || address % PAGE_SIZE)))
        return LINUX_EINVAL;
    if (size > MEMORY_SIZE_MAX)
        return LINUX_ENOMEM;
    if (!(flags & MAP_ANONYMOUS) && !linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (!(flags & MAP_ANONYMOUS) && found.is_log)
        return LINUX_ENODEV;
    int64_t status = prot_of(bits, &prot);
    if (status == 0)
        status = check_flags(flags, prot, &found);
    if (status < 0)
        return status;
    struct memory *memory = NULL; /* of a copy: made first, in steps where it is large */
    struct budget *budget = current_thread->space->budget;
    if ((!found.file || prot & RIGHT_WRITE) && (status = thread_make_memory(budget, size, &memory)) != STATUS_OK)
        return status == CALL_AGAIN ? status : LINUX_ENOMEM;
    status = make_room(&address, size, flags);
    if (status < 0) {
        if (memory)
            object_release(memory);
        return status;
    }
    return memory ? map_copy(memory, address, size, prot, found.file, offset)
                  : map_file(address, size, prot, found.file, offset);
}

int64_t linux_mprotect(uint64_t address, uint64_t size, uint64_t bits)
{
    unsigned prot;
    int64_t status = prot_of(bits, &prot);
    if (status < 0 || address % PAGE_SIZE)
        return status < 0 ? status : LINUX_EINVAL;
    if (!size)
        return 0;
    status = space_protect(current_thread->space, address, PAGE_UP(size), prot);
    return status == STATUS_OVERLAP ? LINUX_ENOMEM : status < 0 ? error_of(status) : 0; /* a hole, there */
}

int64_t linux_munmap(uint64_t address, uint64_t size)
{
    int64_t status = space_unmap(current_thread->space, address, PAGE_UP(size));
    return status < 0 ? error_of(status) : 0;
}
