/* Mappings of files: those of the image that are only read are its own frames; private ones that can be written are copies;
 * shared ones of files below /tmp are the memory of the file itself. */
#include <errno.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/start.h>

#include "descriptor.h"
#include "tmp_client.h"

__attribute__((visibility("hidden"))) const char posix_mappings; /* files_call.c */

static handle_t self(void)
{
    return sys_start_handle(START_HANDLE_SELF);
}

static long copy(unsigned long address, unsigned long size, long prot, long flags, long number, unsigned long offset)
{
    long mapped = memory_map(address, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE | (flags & MAP_FIXED), -1, 0);
    if (mapped < 0)
        return mapped;
    long error = 0;
    for (unsigned long done = 0; !error && done < size;) {
        long got = file_read_at(number, (char *)mapped + done, size - done, (long)(offset + done));
        if (got == 0)
            break;
        error = got < 0 ? got : 0;
        done += got < 0 ? 0 : (unsigned long)got;
    }
    if (!error)
        error = memory_protect((unsigned long)mapped, size, prot);
    if (error)
        memory_unmap((unsigned long)mapped, size);
    return error ? error : mapped;
}

/* Part after part, into a range that is taken already. */
static long map_parts(handle_t file, unsigned long address, unsigned long size, unsigned prot, unsigned long offset)
{
    for (unsigned long done = 0; done < size;) {
        uint64_t start, whole;
        int64_t memory = tmp_map(file, offset + done, &start, &whole);
        if (memory < 0)
            return tmp_error(memory);
        unsigned long inside = offset + done - start, part = whole - inside < size - done ? whole - inside : size - done;
        sys_process_unmap(self(), address + done, part);
        int64_t mapped = sys_process_map(self(), (handle_t)memory, inside, part, address + done, prot);
        sys_handle_close((handle_t)memory);
        if (mapped < 0)
            return error_of(mapped);
        done += part;
    }
    return 0;
}

static long share(unsigned long address, unsigned long size, long prot, long flags, const struct descriptor *file,
                  unsigned long offset)
{
    long mapped = memory_map(address, size, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE | (flags & MAP_FIXED), -1, 0);
    if (mapped < 0)
        return mapped;
    long error = map_parts(file->opened.file, (unsigned long)mapped, size, prot & PROT_WRITE ? PROT_READ_WRITE : PROT_READ_ONLY, offset);
    if (error)
        memory_unmap((unsigned long)mapped, size);
    return error ? error : mapped;
}

/* The image's own frames; what is behind the file's end cannot be accessed. */
static long map_frames(handle_t file, unsigned long address, unsigned long size, long prot, long flags, unsigned long offset)
{
    const int64_t memory = files_map(file);
    if (memory < 0)
        return error_of(memory);
    const uint64_t all = (uint64_t)sys_memory_size((handle_t)memory), left = offset < all ? all - offset : 0;
    const unsigned long part = left < size ? left : size;
    const unsigned protection = prot & PROT_EXEC ? PROT_READ_EXECUTE : prot & PROT_READ ? PROT_READ_ONLY : PROT_NO_ACCESS;
    if (part < size) { /* take the range as a whole */
        const long whole = memory_map(address, size, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE | (flags & MAP_FIXED), -1, 0);
        if (whole < 0 || !part) {
            sys_handle_close((handle_t)memory);
            return whole;
        }
        address = (unsigned long)whole;
    }
    if (part < size || flags & MAP_FIXED)
        sys_process_unmap(self(), address, part);
    else
        address = 0;
    const int64_t mapped = sys_process_map(self(), (handle_t)memory, offset, part, address, protection);
    sys_handle_close((handle_t)memory);
    if (mapped < 0 && part < size)
        memory_unmap(address, size);
    return mapped < 0 ? error_of(mapped) : mapped;
}

long memory_map_file(unsigned long address, unsigned long size, long prot, long flags, long number, unsigned long offset)
{
    const struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (offset % AMBILINK_PAGE_SIZE || !size)
        return -EINVAL;
    size = (size + AMBILINK_PAGE_SIZE - 1) & ~(AMBILINK_PAGE_SIZE - 1ul);
    if (file->kind == OTHER && device_is_zeros(file))
        return memory_map(address, size, prot, flags | MAP_ANONYMOUS, -1, 0);
    if (file->kind != FILE_OF_IMAGE && file->kind != FILE_OF_TMP)
        return -ENODEV;
    bool is_shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
    if (!file->reads || (is_shared && (prot & PROT_WRITE) && !file->writes))
        return -EACCES;
    if (is_shared && file->kind == FILE_OF_TMP)
        return share(address, size, prot, flags, file, offset);
    if (file->kind == FILE_OF_IMAGE && !(prot & PROT_WRITE)) {
        const long mapped = map_frames(file->opened.file, address, size, prot, flags, offset);
        if (mapped >= 0 || prot & PROT_EXEC)
            return mapped;
    }
    return copy(address, size, prot, flags, number, offset);
}
