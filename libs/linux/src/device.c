/* Files below /dev that programs expect everywhere. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <posix/system_call.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system/call.h>

#include "calls.h"
#include "descriptor.h"

#define CLOSE_ON_EXEC 0x5451 /* ioctl of any descriptor */
#define NO_CLOSE_ON_EXEC 0x5450
#define DO_NOT_WAIT 0x5421

static long read_end(const struct descriptor *file, void *buffer, unsigned long size)
{
    (void)file, (void)buffer, (void)size;
    return 0;
}

static long read_zeroes(const struct descriptor *file, void *buffer, unsigned long size)
{
    (void)file;
    memset(buffer, 0, size);
    return (long)size;
}

static long read_random(const struct descriptor *file, void *buffer, unsigned long size)
{
    (void)file;
    return posix_system_call(SYS_getrandom, (long)buffer, (long)size, 0, 0, 0, 0);
}

static long write_nowhere(const struct descriptor *file, const void *data, unsigned long size)
{
    (void)file, (void)data;
    return (long)size;
}

static long write_full(const struct descriptor *file, const void *data, unsigned long size)
{
    (void)file, (void)data;
    return size ? -ENOSPC : 0;
}

static long always_ready(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait)
{
    (void)file;
    if (endpoint)
        sys_handle_close(endpoint);
    *wait = 0;
    return events & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
}

static void nothing_armed(const struct descriptor *file, uint64_t wait)
{
    (void)file, (void)wait;
}

static long describe(const struct descriptor *file, struct stat *status)
{
    (void)file;
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | 0666;
    status->st_nlink = 1;
    status->st_blksize = AMBILINK_PAGE_SIZE;
    return 0;
}

static long no_control(const struct descriptor *file, unsigned long request, void *argument)
{
    (void)file, (void)request, (void)argument;
    return -ENOTTY;
}

static void nothing_to_close(const struct descriptor *file)
{
    (void)file;
}

#define DEVICE(reads, writes)                                                                                           \
    {                                                                                                                   \
        reads, writes, always_ready, nothing_armed, describe, no_control, nothing_to_close                              \
    }

static const struct device {
    const char *path;
    struct descriptor_calls calls;
} devices[] = {
    {"/dev/null", DEVICE(read_end, write_nowhere)},     {"/dev/zero", DEVICE(read_zeroes, write_nowhere)},
    {"/dev/full", DEVICE(read_zeroes, write_full)},     {"/dev/random", DEVICE(read_random, write_nowhere)},
    {"/dev/urandom", DEVICE(read_random, write_nowhere)},
};

static const struct device *find(const char *path)
{
    for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++)
        if (strcmp(path, devices[i].path) == 0)
            return &devices[i];
    return NULL;
}

long linux_open(long directory, const char *path, long flags)
{
    const struct device *device = find(path);
    if (!device)
        return file_open(directory, path, flags);
    const long file = flags & O_DIRECTORY ? -ENOTDIR : descriptor_reserve(0);
    if (file >= 0)
        descriptor_set(file, &(struct descriptor){.kind = OTHER,
                                                  .reads = (flags & O_ACCMODE) != O_WRONLY,
                                                  .writes = (flags & O_ACCMODE) != O_RDONLY,
                                                  .closes_on_exec = flags & O_CLOEXEC,
                                                  .calls = &device->calls});
    return file;
}

long linux_status_at(long directory, const char *path, struct stat *status, long flags)
{
    const struct device *device = find(path);
    return device ? describe(NULL, status) : file_status_at(directory, path, status, flags);
}

long linux_control(long file, unsigned long request, void *argument)
{
    const long flags = file_control(file, F_GETFL, 0);
    switch (request) {
    case DO_NOT_WAIT:
        if (flags < 0)
            return flags;
        return file_control(file, F_SETFL, *(const int *)argument ? flags | O_NONBLOCK : flags & ~(long)O_NONBLOCK);
    case CLOSE_ON_EXEC:
    case NO_CLOSE_ON_EXEC:
        return file_control(file, F_SETFD, request == CLOSE_ON_EXEC ? FD_CLOEXEC : 0);
    default:
        return file_device_control(file, request, argument);
    }
}
