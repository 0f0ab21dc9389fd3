/* Pipes, counters (eventfd), and what sockets have in common with them: ends of the service pipes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <system/call.h>

#include "pipes_client.h"

/* Only ever of this process: who passes a handle passes no memory of its own. */
static long read_once(handle_t end, void *buffer, unsigned long size)
{
    struct message request = {.word = {PIPES_READ, size < PIPES_DATA_MAX ? size : PIPES_DATA_MAX}};
    struct message reply = {.data = buffer, .size = size};
    const int64_t status = end_ask(end, &request, &reply);
    return status == STATUS_OK ? (long)reply.size : pipes_error(status);
}

static long read_end(const struct descriptor *file, void *buffer, unsigned long size)
{
    const struct descriptor end = *file;
    const struct end_wish wish = {.events = POLLIN | POLLHUP | POLLERR};
    if (!size && end.opened.number < PIPES_STREAM)
        return end.opened.number == PIPES_COUNT ? -EINVAL : 0;
    for (;;) {
        long got = read_once(end.opened.file, buffer, size);
        if (got != -EAGAIN || end.never_waits)
            return got;
        got = end_wait(end.opened.file, &wish);
        if (got)
            return got;
    }
}

long end_broken(bool signals)
{
    if (signals)
        signal_send(sys_thread_number(), SIGPIPE);
    return -EPIPE;
}

static long write_once(handle_t end, const void *data, unsigned long size)
{
    struct message request = {.word = {PIPES_WRITE}, .data = (void *)(uintptr_t)data, .size = size < PIPES_DATA_MAX ? size : PIPES_DATA_MAX};
    struct message reply = {0};
    const int64_t status = end_ask(end, &request, &reply);
    return status == STATUS_OK ? end_taken(&reply, request.size) : pipes_error(status);
}

struct end_wish end_room(uint64_t kind, uint64_t size)
{
    if (kind == PIPES_COUNT)
        return (struct end_wish){.events = POLLOUT};
    uint64_t room = kind == PIPES_WRITER && size <= PIPES_ATOMIC ? size : 1;
    if (kind == PIPES_DATAGRAM || kind == PIPES_SEQUENCED)
        room = size + PIPES_HEAD_MAX < PIPES_MEMORY ? size + PIPES_HEAD_MAX : PIPES_MEMORY;
    return (struct end_wish){.events = POLLERR | POLLHUP, .room = room};
}

static long write_end(const struct descriptor *file, const void *data, unsigned long size)
{
    const struct descriptor end = *file;
    const struct end_wish wish = end_room(end.opened.number, size);
    const bool is_whole = end.opened.number == PIPES_DATAGRAM || end.opened.number == PIPES_SEQUENCED;
    if (is_whole && size > PIPES_DATA_MAX)
        return -EMSGSIZE;
    unsigned long done = 0;
    while (done < size || (is_whole && !done)) {
        long put = write_once(end.opened.file, (const char *)data + done, size - done);
        if (put == -EAGAIN && !end.never_waits)
            put = end_wait(end.opened.file, &wish);
        if (put == -EPIPE)
            end_broken(true);
        if (put < 0)
            return done ? (long)done : put;
        done += (unsigned long)put;
        if (is_whole)
            break;
    }
    return (long)done;
}

static long poll_end(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait)
{
    const struct end_wish wish = {.events = events};
    return end_poll(file->opened.file, &wish, endpoint, wait);
}

static void disarm(const struct descriptor *file, uint64_t wait)
{
    end_disarm(file->opened.file, wait);
}

long end_status(const struct descriptor *end, struct pipes_status *status)
{
    struct message request = {.word = {PIPES_LOOK}}, reply = {0};
    const int64_t result = end_ask(end->opened.file, &request, &reply);
    memcpy(status, reply.word + 1, sizeof *status);
    return pipes_error(result);
}

static long look(const struct descriptor *file, struct stat *status)
{
    const uint64_t kind = file->opened.number;
    memset(status, 0, sizeof *status);
    status->st_dev = 3;
    status->st_ino = file->opened.file;
    status->st_nlink = 1;
    status->st_blksize = AMBILINK_PAGE_SIZE;
    status->st_mode = kind >= PIPES_STREAM ? S_IFSOCK | 0777 : kind == PIPES_COUNT ? 0600 : S_IFIFO | 0600;
    return 0;
}

static long control(const struct descriptor *file, unsigned long request, void *argument)
{
    struct pipes_status status;
    if (request != FIONREAD || file->opened.number == PIPES_COUNT)
        return -ENOTTY;
    const long error = end_status(file, &status);
    if (!error)
        *(int *)argument = (int)status.readable;
    return error;
}

static void close_end(const struct descriptor *file)
{
    sys_handle_close(file->opened.file);
}

/* By way of one piece. */
static long vector(const struct descriptor *file, const struct iovec *parts, long count, bool writes)
{
    unsigned long size = 0, at = 0;
    for (long i = 0; i < count; i++)
        size += parts[i].iov_len;
    if (count == 1)
        return writes ? write_end(file, parts->iov_base, size) : read_end(file, parts->iov_base, size);
    char small[1024], *bytes = small;
    if (size > sizeof small) {
        const long mapped = memory_map(0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
        if (mapped < 0)
            return mapped;
        bytes = (char *)mapped;
    }
    for (long i = 0; writes && i < count; at += parts[i++].iov_len)
        memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
    const long done = writes ? write_end(file, bytes, size) : read_end(file, bytes, size);
    unsigned long left = writes || done < 0 ? 0 : (unsigned long)done;
    for (long i = 0; left && i < count; i++) {
        const unsigned long part = parts[i].iov_len < left ? parts[i].iov_len : left;
        memcpy(parts[i].iov_base, bytes + at, part);
        at += part;
        left -= part;
    }
    if (bytes != small)
        memory_unmap((unsigned long)bytes, size);
    return done;
}

static const struct descriptor_calls calls = {read_end, write_end, poll_end, disarm, look, control, close_end, vector};

void descriptor_adopt(struct descriptor *file)
{
    file->calls = file->kind == OTHER ? &calls : NULL;
}

long end_open(handle_t end, uint64_t kind, long flags, bool reads, bool writes)
{
    const long number = descriptor_reserve(0);
    const struct descriptor opened = {
        .kind = OTHER,
        .reads = reads,
        .writes = writes,
        .never_waits = flags & O_NONBLOCK,
        .closes_on_exec = flags & O_CLOEXEC,
        .opened = {.file = end, .number = kind},
        .calls = &calls,
    };
    if (number < 0)
        sys_handle_close(end);
    else
        descriptor_set(number, &opened);
    return number;
}

struct descriptor *end_of(long number, uint64_t least, long *error)
{
    struct descriptor *file = descriptor_of(number);
    const bool is_end = file && file->calls == &calls && file->opened.number >= least;
    *error = !file ? -EBADF : is_end ? 0 : -ENOTSOCK;
    return is_end ? file : NULL;
}

long pipe_make(int numbers[2], long flags)
{
    handle_t ends[2];
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    const long error = pipes_make((const uint64_t[3]){PIPES_PIPE}, 1, 2, ends);
    if (error)
        return error;
    const long reader = end_open(ends[0], PIPES_READER, flags, true, false);
    const long writer = end_open(ends[1], PIPES_WRITER, flags, false, true);
    if (reader < 0 || writer < 0) {
        file_close(reader < 0 ? writer : reader);
        return -EMFILE;
    }
    numbers[0] = (int)reader;
    numbers[1] = (int)writer;
    return 0;
}

long counter_make(unsigned count, long flags)
{
    handle_t ends[2];
    if (flags & ~(EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE))
        return -EINVAL;
    const long error = pipes_make((const uint64_t[3]){PIPES_COUNTER, count, flags & EFD_SEMAPHORE}, 0, 1, ends);
    return error ? error : end_open(ends[0], PIPES_COUNT, flags, true, true);
}
