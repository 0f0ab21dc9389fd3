#include "linux/memory.h"

#include "base/bytes.h"
#include "base/work.h"
#include "linux/error.h"
#include "linux/files.h"
#include "memory/frames.h"
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

/* Linux' error for a status; CALL_AGAIN and STATUS_OK as they are. */
static int64_t error_of(int64_t status)
{
    switch (status) {
    case STATUS_OK:
    case CALL_AGAIN:
        return status;
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

/* What mmap asks for, once it was found good. */
struct wanted {
    uint64_t address, size, flags;
    unsigned prot;
    bool is_copy; /* in memory of its own; else the file's frames */
    const struct image_file *file;
    uint64_t offset;
};

/* How far a call came before. */
static struct progress come_so_far(void)
{
    return current_thread->progress ? *current_thread->progress : (struct progress){0};
}

/* Keep how far a call came that is to be made again. */
static void keep(int64_t status, const struct progress *at)
{
    if (status != CALL_AGAIN)
        return;
    struct progress *kept = thread_keep_progress();
    kept->object = at->object;
    kept->index = at->index;
    kept->address = at->address;
    kept->step = at->step;
    kept->error = at->error;
    kept->range = at->range;
}

/* What must not be replaced is seen before memory is made. */
static int64_t look(const struct wanted *wanted)
{
    const struct mapping *there = mappings_find(&current_thread->space->mappings, wanted->address);
    const bool is_taken = there && there->start < wanted->address + wanted->size;
    return wanted->flags & MAP_FIXED_NOREPLACE && is_taken ? LINUX_EEXIST : 0;
}

static int64_t make_memory(const struct wanted *wanted, struct progress *at)
{
    struct memory *memory = NULL;
    int64_t status = thread_make_memory(current_thread->space->budget, wanted->size, &memory);
    at->object = status == CALL_AGAIN ? current_thread->progress->object : memory;
    return status == STATUS_NO_MEMORY ? LINUX_ENOMEM : status;
}

/* A copy of the file's bytes; behind them it is zero. */
static int64_t fill(const struct wanted *wanted, struct progress *at)
{
    const struct image_file *file = wanted->file;
    const uint64_t left = wanted->offset < file->size ? file->size - wanted->offset : 0;
    const uint64_t end = left < wanted->size ? left : wanted->size;
    const uint8_t *contents = archive_contents(&boot_image.archive, file);
    for (uint64_t part; at->index < end; at->index += part) {
        if (!work_left)
            return CALL_AGAIN;
        work_did(1);
        part = end - at->index < PAGE_SIZE ? end - at->index : PAGE_SIZE;
        if (!boot_image_check(file->offset + wanted->offset + at->index, part))
            return LINUX_EIO;
        memory_copy(physical_pointer(memory_frame((struct memory *)at->object, at->index)),
                    contents + wanted->offset + at->index, part);
    }
    return 0;
}

/* Where a mapping goes, nothing is there. */
static int64_t make_room(const struct wanted *wanted, struct progress *at)
{
    struct space *space = current_thread->space;
    if (!(wanted->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return (at->address = space_find_unused(space, wanted->size)) ? 0 : LINUX_ENOMEM;
    at->address = wanted->address;
    if (wanted->flags & MAP_FIXED_NOREPLACE)
        return 0;
    return error_of(space_unmap_some(space, wanted->address, wanted->size, &at->range));
}

/* The next part, from `index` on: of a copy all; of a file its frames, and behind its end addresses that nothing else
 * gets and that cannot be accessed: there Linux has pages that fault. */
static int64_t map_part(const struct wanted *wanted, struct progress *at, uint64_t *part)
{
    struct space *space = current_thread->space;
    const uint64_t left = wanted->size - at->index;
    *part = left;
    if (wanted->is_copy) {
        const struct space_wanted copy = {at->object, 0, left, at->address, wanted->prot, PROT_READ_WRITE};
        return space_map_some(space, &copy, &at->range);
    }
    const uint64_t end = PAGE_UP(wanted->file->size), from = wanted->offset + at->index;
    const bool is_file = from < end;
    const uint64_t most = is_file ? end - from : boot_image.run->size;
    *part = left < most ? left : most;
    const struct space_wanted frames = {
        .memory = boot_image.run,
        .offset = is_file ? wanted->file->offset + from : 0,
        .size = *part,
        .address = at->address + at->index,
        .prot = is_file ? wanted->prot : PROT_NO_ACCESS,
        .max_prot = is_file ? PROT_READ_EXECUTE : PROT_NO_ACCESS,
    };
    return space_map_some(space, &frames, &at->range);
}

static int64_t map_parts(const struct wanted *wanted, struct progress *at)
{
    while (at->index < wanted->size) {
        uint64_t part;
        const int64_t status = map_part(wanted, at, &part);
        if (status < 0)
            return error_of(status);
        at->range = (struct space_progress){0};
        at->index += part;
    }
    return 0;
}

enum { LOOKS, MAKES_MEMORY, FILLS, MAKES_ROOM, MAPS, TAKES_BACK };

/* The address, an error, or CALL_AGAIN. */
static int64_t map(const struct wanted *wanted, struct progress *at)
{
    for (int64_t status = 0;; status = 0) {
        const uint32_t step = at->step;
        if (step == LOOKS)
            status = look(wanted);
        else if (step == MAKES_MEMORY && wanted->is_copy)
            status = make_memory(wanted, at);
        else if (step == FILLS && wanted->is_copy && wanted->file)
            status = fill(wanted, at);
        else if (step == MAKES_ROOM)
            status = make_room(wanted, at);
        else if (step == MAPS)
            status = map_parts(wanted, at);
        else if (step == TAKES_BACK)
            status = space_unmap_some(current_thread->space, at->address, at->index, &at->range);
        if (status == CALL_AGAIN)
            return status;
        if (step == TAKES_BACK)
            return at->error;
        if (status < 0 && (step != MAPS || !at->index))
            return status;
        if (step == MAPS && status == 0)
            return (int64_t)at->address;
        at->error = (int32_t)status;
        if (step != MAPS)
            at->index = 0;
        at->range = (struct space_progress){0};
        at->step = step + 1;
    }
}

/* In steps. What it made and does not need any more goes; where it failed it may be tried again from its beginning. */
static int64_t map_in_steps(const struct wanted *wanted)
{
    struct progress at = come_so_far();
    int64_t result = map(wanted, &at);
    keep(result, &at);
    if (result == CALL_AGAIN)
        return result;
    if (current_thread->progress)
        current_thread->progress->object = NULL;
    thread_forget_progress(current_thread);
    if (at.object)
        object_release(at.object);
    return result;
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
    const bool is_copy = !found.file || prot & RIGHT_WRITE;
    const struct wanted wanted = {address, size, flags, prot, is_copy, found.file, offset};
    return map_in_steps(&wanted);
}

int64_t linux_mprotect(uint64_t address, uint64_t size, uint64_t bits)
{
    unsigned prot;
    int64_t status = prot_of(bits, &prot);
    if (status < 0 || address % PAGE_SIZE)
        return status < 0 ? status : LINUX_EINVAL;
    if (!size)
        return 0;
    struct progress at = come_so_far();
    status = space_protect_some(current_thread->space, address, PAGE_UP(size), prot, &at.range);
    keep(status, &at);
    return status == STATUS_OVERLAP ? LINUX_ENOMEM : error_of(status); /* a hole, there */
}

int64_t linux_munmap(uint64_t address, uint64_t size)
{
    struct progress at = come_so_far();
    int64_t status = space_unmap_some(current_thread->space, address, PAGE_UP(size), &at.range);
    keep(status, &at);
    return error_of(status);
}
