/* /dev/null, /dev/zero, and the users' files of a system that has one user: what programs expect to be there. The image's
 * files of these names come first. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <system/call.h>

#include "descriptor.h"

struct device {
    const char *path, *text; /* what reading gives; NULL: zeros without end */
    bool is_written;         /* and forgotten */
};

static const struct device devices[] = {
    {DEVICE_FOLDER "/null", "", true},
    {DEVICE_FOLDER "/zero", NULL, true},
    {"etc/passwd", "root:x:0:0:root:/:/bin/sh\n", false},
    {"etc/group", "root:x:0:\n", false},
};
#define DEVICES (sizeof devices / sizeof *devices)

static const struct device *device_of(const struct descriptor *file)
{
    return &devices[file->opened.number];
}

static long read_device(const struct descriptor *file, void *buffer, unsigned long size)
{
    const char *text = device_of(file)->text;
    if (!text) {
        memset(buffer, 0, size);
        return (long)size;
    }
    struct descriptor *own = (struct descriptor *)(uintptr_t)file;
    const unsigned long left = strlen(text) - file->position;
    size = size < left ? size : left;
    memcpy(buffer, text + file->position, size);
    own->position += size;
    return (long)size;
}

static long forget(const struct descriptor *file, const void *data, unsigned long size)
{
    (void)file, (void)data;
    return (long)size;
}

static long use_parts(const struct descriptor *file, const struct iovec *parts, long count, bool writes)
{
    long total = 0;
    for (long i = 0; i < count; i++)
        total += writes ? forget(file, parts[i].iov_base, parts[i].iov_len) : read_device(file, parts[i].iov_base, parts[i].iov_len);
    return total;
}

static long always(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait)
{
    (void)file, (void)wait;
    if (endpoint)
        sys_handle_close(endpoint);
    return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static void nothing(const struct descriptor *file)
{
    (void)file;
}

static void no_wait(const struct descriptor *file, uint64_t wait)
{
    (void)file, (void)wait;
}

static long describe(const struct descriptor *file, struct stat *status)
{
    const struct device *device = device_of(file);
    memset(status, 0, sizeof *status);
    status->st_nlink = 1;
    status->st_dev = 3;
    status->st_ino = file->opened.number + 1;
    status->st_blksize = AMBILINK_PAGE_SIZE;
    status->st_mode = device->is_written ? S_IFCHR | 0666 : S_IFREG | 0444;
    status->st_size = device->is_written ? 0 : (off_t)strlen(device->text);
    return 0;
}

static long no_control(const struct descriptor *file, unsigned long request, void *argument)
{
    (void)file, (void)request, (void)argument;
    return -ENOTTY;
}

static const struct descriptor_calls calls = {.read = read_device,
                                              .write = forget,
                                              .vector = use_parts,
                                              .poll = always,
                                              .disarm = no_wait,
                                              .status = describe,
                                              .device_control = no_control,
                                              .close = nothing};

bool device_is_zeros(const struct descriptor *file)
{
    return file->calls == &calls && !device_of(file)->text;
}

const char *device_name(uint64_t index)
{
    return index < DEVICES && devices[index].is_written ? devices[index].path + sizeof DEVICE_FOLDER : NULL;
}

long device_open(const char *path, long flags, struct descriptor *opened)
{
    if (!strcmp(path, DEVICE_FOLDER)) {
        *opened = (struct descriptor){.kind = FOLDER, .reads = true};
        return flags & O_CREAT && flags & O_EXCL ? -EEXIST : 0;
    }
    for (uint64_t number = 0; number < DEVICES; number++) {
        const size_t length = strlen(devices[number].path);
        if (strncmp(path, devices[number].path, length) || (path[length] && path[length] != '/'))
            continue;
        const bool writes = (flags & O_ACCMODE) != O_RDONLY;
        if (path[length] || flags & O_DIRECTORY)
            return -ENOTDIR;
        if (flags & O_CREAT && flags & O_EXCL)
            return -EEXIST;
        if (writes && !devices[number].is_written)
            return -EROFS;
        *opened = (struct descriptor){.kind = OTHER,
                                      .reads = (flags & O_ACCMODE) != O_WRONLY,
                                      .writes = writes,
                                      .appends = flags & O_APPEND,
                                      .opened = {.number = number},
                                      .calls = &calls};
        return 0;
    }
    return -ENOENT;
}
