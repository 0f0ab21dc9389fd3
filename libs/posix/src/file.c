/* Descriptors: 0 has the machine's keys where the manifest grants them, else it is empty; 1 and 2 are the console, the
 * others are files of the boot image, files below /tmp, and folders. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <protocol/console.h>
#include <protocol/files.h>
#include <protocol/names.h>
#include <string.h>
#include <sys/ioctl.h>
#include <system/call.h>
#include <system/start.h>

#include "descriptor.h"
#include "tmp_client.h"

#define CONSOLE_COLUMNS 80
#define CONSOLE_ROWS 25
#define GATHER_MAX 2048

static struct descriptor descriptors[DESCRIPTORS] = {
    {.kind = EMPTY, .reads = true}, {.kind = CONSOLE, .writes = true}, {.kind = CONSOLE, .writes = true}};
static handle_t console_service;
long descriptors_most = DESCRIPTORS;
void (*descriptor_closing)(const struct descriptor *file);

/* Of the group `files`, as is what makes descriptors of the kinds that lead there (posix/groups.h). */
#pragma weak file_lock
#pragma weak place_look
#pragma weak tmp_error
#pragma weak tmp_file_look
#pragma weak tmp_read
#pragma weak tmp_write

struct descriptor *descriptor_of(long number)
{
    if (number < 0 || number >= DESCRIPTORS || descriptors[number].kind <= RESERVED)
        return NULL;
    return &descriptors[number];
}

bool folder_is_used(uint64_t place)
{
    for (long number = 0; number < DESCRIPTORS; number++)
        if (descriptors[number].kind == FOLDER && descriptors[number].opened.number == place)
            return true;
    return false;
}

long descriptor_reserve(long lowest)
{
    static volatile int lock;
    lock_take(&lock);
    while (lowest < descriptors_most && descriptors[lowest].kind != CLOSED)
        lowest++;
    if (lowest < descriptors_most)
        descriptors[lowest].kind = RESERVED;
    lock_release(&lock);
    return lowest < descriptors_most ? lowest : -EMFILE;
}

void descriptor_set(long number, const struct descriptor *opened)
{
    descriptors[number] = *opened;
}

long service_connect(handle_t *handle, const char *name)
{
    if (*handle)
        return 0;
    int64_t found = names_lookup(name);
    if (found < 0)
        return found == STATUS_NOT_FOUND ? -ENXIO : error_of(found);
    *handle = (handle_t)found;
    return 0;
}

static long console_put(const char *text, unsigned long size)
{
    handle_t system = sys_start_handle(START_HANDLE_SYSTEM);
    if (!system) {
        long error = service_connect(&console_service, "console");
        if (error)
            return error;
    }
    for (unsigned long done = 0; done < size;) {
        unsigned long part = size - done < MESSAGE_DATA_MAX ? size - done : MESSAGE_DATA_MAX;
        int64_t status = system ? sys_log_write(system, text + done, part) : console_write(console_service, text + done, part);
        if (status != STATUS_OK)
            return error_of(status);
        done += part;
    }
    return (long)size;
}

void descriptor_release(const struct descriptor *file)
{
    for (long number = 0; file->opened.file && number < DESCRIPTORS; number++)
        if (descriptors[number].kind == file->kind && descriptors[number].opened.file == file->opened.file)
            return;
    if (file->kind == FILE_OF_IMAGE || file->kind == FILE_OF_TMP)
        sys_handle_close(file->opened.file);
    if (file->calls)
        file->calls->close(file);
}

long file_close(long number)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    const struct descriptor closed = *file;
    if (descriptor_closing)
        descriptor_closing(&closed);
    file->kind = CLOSED;
    descriptor_release(&closed);
    return 0;
}

/* Duplicates of a descriptor have one position. */
static void move_to(struct descriptor *file, uint64_t position)
{
    file->position = position;
    for (long number = 0; file->opened.file && number < DESCRIPTORS; number++)
        if (descriptors[number].kind == file->kind && descriptors[number].opened.file == file->opened.file)
            descriptors[number].position = position;
}

static bool is_file(const struct descriptor *file)
{
    return file->kind == FILE_OF_IMAGE || file->kind == FILE_OF_TMP;
}

long file_read_at(long number, void *buffer, unsigned long size, long offset)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (file->kind == FOLDER)
        return -EISDIR;
    if (!is_file(file))
        return file->kind == EMPTY ? 0 : -ESPIPE;
    if (!file->reads)
        return -EBADF;
    if (offset < 0)
        return -EINVAL;
    if (!size)
        return 0;
    if (file->kind == FILE_OF_TMP) {
        int64_t got = tmp_read(file->opened.file, (uint64_t)offset, buffer, size);
        return got < 0 ? tmp_error(got) : got;
    }
    int64_t count = files_read(file->opened.file, (uint64_t)offset, buffer, size);
    return count < 0 ? error_of(count) : count;
}

/* One at a time, as a terminal without line editing gives them; without the right to them the input is empty. */
static long read_key(char *key)
{
    handle_t input = sys_start_handle(START_HANDLE_INPUT);
    int64_t byte = input ? sys_input_read(input) : -1;
    if (byte == STATUS_INTERRUPTED)
        return -EINTR;
    if (byte < 0)
        return 0;
    *key = (char)byte;
    return 1;
}

long file_read(long number, void *buffer, unsigned long size)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (file->calls)
        return file->reads ? file->calls->read(file, buffer, size) : -EBADF;
    if (file->kind == EMPTY && size)
        return read_key(buffer);
    if (!is_file(file))
        return file->kind == FOLDER ? -EISDIR : 0;
    long count = file_read_at(number, buffer, size, (long)file->position);
    if (count > 0)
        move_to(file, file->position + (uint64_t)count);
    return count;
}

long file_read_vector(long number, const struct iovec *parts, long count)
{
    const struct descriptor *file = descriptor_of(number);
    if (file && file->calls && file->calls->vector)
        return file->reads ? file->calls->vector(file, parts, count, false) : -EBADF;
    long total = 0;
    for (long i = 0; i < count; i++) {
        long got = file_read(number, parts[i].iov_base, parts[i].iov_len);
        if (got < 0)
            return total ? total : got;
        total += got;
        if ((unsigned long)got < parts[i].iov_len)
            break;
    }
    return total;
}

long file_write(long number, const void *data, unsigned long size)
{
    struct descriptor *file = descriptor_of(number);
    if (!file || !file->writes)
        return -EBADF;
    if (file->calls)
        return file->calls->write(file, data, size);
    if (file->kind != FILE_OF_TMP)
        return size ? console_put(data, size) : 0;
    uint64_t offset = file->appends ? TMP_AT_END : file->position;
    int64_t written = tmp_write(file->opened.file, &offset, data, size);
    if (written > 0)
        move_to(file, offset);
    return written < 0 ? tmp_error(written) : written;
}

/* A line comes from stdio in two parts, its buffer and the rest: one message, so that it stays one line. */
static long write_together(long number, const struct iovec *parts, long count, unsigned long total)
{
    char text[GATHER_MAX];
    unsigned long used = 0;
    for (long i = 0; i < count; i++) {
        memcpy(text + used, parts[i].iov_base, parts[i].iov_len);
        used += parts[i].iov_len;
    }
    return file_write(number, text, total);
}

long file_write_vector(long number, const struct iovec *parts, long count)
{
    const struct descriptor *file = descriptor_of(number);
    unsigned long wanted = 0;
    if (file && file->calls && file->calls->vector)
        return file->writes ? file->calls->vector(file, parts, count, true) : -EBADF;
    for (long i = 0; i < count && wanted <= GATHER_MAX; i++)
        wanted += parts[i].iov_len;
    if (wanted <= GATHER_MAX)
        return write_together(number, parts, count, wanted);
    long total = 0;
    for (long i = 0; i < count; i++) {
        long put = file_write(number, parts[i].iov_base, parts[i].iov_len);
        if (put < 0)
            return total ? total : put;
        total += put;
    }
    return total;
}

long file_seek(long number, long offset, long whence)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (file->kind == FOLDER && whence == SEEK_SET && offset >= 0) { /* rewinddir, seekdir */
        file->position = (uint64_t)offset;
        return offset;
    }
    if (!is_file(file))
        return file->kind == OTHER && !file->opened.file ? 0 : -ESPIPE; /* of a device every place is the same */
    struct stat status = {.st_size = (off_t)file->opened.size};
    long error = whence == SEEK_END && file->kind == FILE_OF_TMP ? tmp_file_look(file, &status) : 0;
    if (error)
        return error;
    long from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (long)file->position : (long)status.st_size;
    if (whence < SEEK_SET || whence > SEEK_END || __builtin_add_overflow(from, offset, &offset) || offset < 0)
        return -EINVAL;
    move_to(file, (uint64_t)offset);
    return offset;
}

long descriptor_describe(const struct descriptor *file, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_nlink = 1;
    status->st_blksize = AMBILINK_PAGE_SIZE;
    if (file->kind == FILE_OF_IMAGE) {
        status->st_mode = S_IFREG | 0444;
        status->st_ino = file->opened.number;
        status->st_size = (off_t)file->opened.size;
        status->st_blocks = (blkcnt_t)((file->opened.size + 511) / 512);
    } else if (file->kind == FOLDER) {
        status->st_mode = S_IFDIR | 0555;
    } else {
        status->st_mode = S_IFCHR | 0620;
    }
    return 0;
}

long descriptor_status(const struct descriptor *file, struct stat *status)
{
    if (file->kind == FILE_OF_TMP)
        return tmp_file_look(file, status);
    if (file->calls)
        return file->calls->status(file, status);
    return file->kind == FOLDER ? place_look(file, status) : descriptor_describe(file, status);
}

long file_status(long number, struct stat *status)
{
    const struct descriptor *file = descriptor_of(number);
    return file ? descriptor_status(file, status) : -EBADF;
}

long file_duplicate(long number, long lowest)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    long copy = descriptor_reserve(lowest);
    if (copy < 0)
        return copy;
    struct descriptor same = *file;
    same.closes_on_exec = false;
    descriptor_set(copy, &same);
    return copy;
}

long file_duplicate_to(long number, long copy, long flags)
{
    struct descriptor *file = descriptor_of(number);
    if (!file || copy < 0 || copy >= descriptors_most)
        return -EBADF;
    if (number == copy || flags & ~O_CLOEXEC)
        return -EINVAL;
    struct descriptor same = *file;
    const struct descriptor before = descriptors[copy];
    same.closes_on_exec = flags & O_CLOEXEC;
    if (descriptor_closing)
        descriptor_closing(&before);
    descriptor_set(copy, &same);
    if (before.kind > RESERVED)
        descriptor_release(&before);
    return copy;
}

/* Of duplicates, too. */
static void set_flags(struct descriptor *file, long flags)
{
    for (struct descriptor *each = descriptors; each < descriptors + DESCRIPTORS; each++)
        if (each == file || (file->opened.file && each->kind == file->kind && each->opened.file == file->opened.file)) {
            each->appends = flags & O_APPEND;
            each->never_waits = flags & O_NONBLOCK;
        }
}

long file_control(long number, long command, long argument)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument < 0 || argument >= descriptors_most)
            return -EINVAL;
        number = file_duplicate(number, argument);
        if (number >= 0)
            descriptors[number].closes_on_exec = command == F_DUPFD_CLOEXEC;
        return number;
    case F_GETFD:
        return file->closes_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        file->closes_on_exec = argument & FD_CLOEXEC;
        return 0;
    case F_SETFL:
        set_flags(file, argument);
        return 0;
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK:
        return !file_lock ? -EINVAL : file_lock(file, command, (struct flock *)argument);
    case F_GETFL:
        return (file->writes ? file->reads ? O_RDWR : O_WRONLY : O_RDONLY) | (file->appends ? O_APPEND : 0) |
               (file->never_waits ? O_NONBLOCK : 0);
    default:
        return -EINVAL;
    }
}

long file_device_control(long number, unsigned long request, void *argument)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (file->calls)
        return file->calls->device_control(file, request, argument);
    if (file->kind != CONSOLE || request != TIOCGWINSZ)
        return -ENOTTY;
    *(struct winsize *)argument = (struct winsize){.ws_row = CONSOLE_ROWS, .ws_col = CONSOLE_COLUMNS};
    return 0;
}
