#include "linux/memory.h"

#include "linux/error.h"
#include "linux/files.h"
#include "object/thread.h"

#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20

static int64_t error_of(int64_t status)
{
    return status == STATUS_NO_MEMORY ? LINUX_ENOMEM : status == STATUS_NO_RIGHT ? LINUX_EACCES : LINUX_EINVAL;
}

/* Linux' bits are this kernel's. Pages that cannot be read are not offered. */
static bool prot_of(uint64_t bits, unsigned *prot)
{
    *prot = bits ? (unsigned)bits | PROT_READ_ONLY : PROT_NO_ACCESS;
    return bits <= (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) && !(bits & RIGHT_WRITE && bits & RIGHT_EXECUTE);
}

static int64_t map_copy(uint64_t address, uint64_t size, unsigned prot, const struct image_file *file, uint64_t offset)
{
    struct space *space = current_thread->space;
    struct memory *memory = memory_create(size);
    if (!memory)
        return LINUX_ENOMEM;
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

int64_t linux_mmap(uint64_t address, uint64_t size, uint64_t bits, uint64_t flags, uint64_t number, uint64_t offset)
{
    struct space *space = current_thread->space;
    struct linux_descriptor found = {0};
    unsigned prot;
    size = PAGE_UP(size);
    if (!size || offset % PAGE_SIZE || (flags & MAP_FIXED && address % PAGE_SIZE) || size > MEMORY_SIZE_MAX)
        return LINUX_EINVAL;
    if (!prot_of(bits, &prot))
        return LINUX_EACCES;
    if (!(flags & MAP_ANONYMOUS) && (!linux_find_descriptor(number, &found) || found.is_log))
        return LINUX_EBADF;
    /* Beyond the file's end there is nothing: the caller keeps the address range by another mapping. */
    uint64_t end = found.file ? PAGE_UP(found.file->size) : 0, there = offset < end ? end - offset : 0;
    bool is_copy = !found.file || prot & RIGHT_WRITE;
    if (!is_copy && !there)
        return LINUX_EINVAL;
    int64_t status = flags & MAP_FIXED ? space_unmap(space, address, size) : STATUS_OK;
    if (status != STATUS_OK)
        return error_of(status);
    if (!(flags & MAP_FIXED))
        address = space_find_unused(space, size);
    if (!address)
        return LINUX_ENOMEM;
    if (is_copy)
        return map_copy(address, size, prot, found.file, offset);
    status = space_map(space, boot_image.run, found.file->offset + offset, size < there ? size : there, address, prot,
                       PROT_READ_EXECUTE);
    return status < 0 ? error_of(status) : status;
}

int64_t linux_mprotect(uint64_t address, uint64_t size, uint64_t bits)
{
    unsigned prot;
    if (!prot_of(bits, &prot))
        return LINUX_EACCES;
    int64_t status = space_protect(current_thread->space, address, PAGE_UP(size), prot);
    return status < 0 ? error_of(status) : 0;
}

int64_t linux_munmap(uint64_t address, uint64_t size)
{
    int64_t status = space_unmap(current_thread->space, address, PAGE_UP(size));
    return status < 0 ? error_of(status) : 0;
}
