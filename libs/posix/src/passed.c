/* Descriptors on their way to another process, or to another number of this one. */
#include <errno.h>
#include <system/call.h>

#include "pipes_client.h"

#define READS 1u
#define WRITES 2u
#define APPENDS 4u
#define NEVER_WAITS 8u
#define KIND_SHIFT 8

/* Which have no handle. */
static bool is_bare(enum descriptor_kind kind)
{
    return kind == CONSOLE || kind == EMPTY;
}

long passed_pack(long number, struct pipes_passed *passed, handle_t *handle)
{
    const struct descriptor *file = descriptor_of(number);
    if (!file || file->kind == FOLDER)
        return file ? -EINVAL : -EBADF; /* a folder is a path, which has no room here */
    const uint64_t flags = (file->reads ? READS : 0) | (file->writes ? WRITES : 0) | (file->appends ? APPENDS : 0) |
                           (file->never_waits ? NEVER_WAITS : 0);
    *passed = (struct pipes_passed){{(uint64_t)file->kind << KIND_SHIFT | flags, file->opened.number, file->opened.size, file->position}};
    const int64_t copy = is_bare(file->kind) ? sys_endpoint_create() : sys_handle_duplicate(file->opened.file, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (copy < 0)
        return error_of(copy);
    *handle = (handle_t)copy;
    return 0;
}

long passed_unpack(const struct pipes_passed *passed, handle_t handle, bool closes_on_exec)
{
    const uint64_t flags = passed->word[0], kind = flags >> KIND_SHIFT;
    const bool is_known = kind == EMPTY || kind == CONSOLE || kind == FILE_OF_IMAGE || kind == FILE_OF_TMP || kind == OTHER;
    const long number = is_known ? descriptor_reserve(0) : -EINVAL;
    if (number < 0 || is_bare((enum descriptor_kind)kind))
        sys_handle_close(handle);
    if (number < 0)
        return number;
    struct descriptor file = {
        .kind = (enum descriptor_kind)kind,
        .reads = flags & READS,
        .writes = flags & WRITES,
        .appends = flags & APPENDS,
        .never_waits = flags & NEVER_WAITS,
        .closes_on_exec = closes_on_exec,
        .opened = {is_bare((enum descriptor_kind)kind) ? 0 : handle, passed->word[1], passed->word[2]},
        .position = passed->word[3],
    };
    descriptor_adopt(&file);
    descriptor_set(number, &file);
    return number;
}
