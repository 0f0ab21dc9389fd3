/* What sockets send and receive: bytes in several parts, addresses, descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <system/call.h>

#include "pipes_client.h"

#define SMALL 1024
#define EXTRA (PIPES_PASSED_MAX * sizeof(struct pipes_passed) + PIPES_HEAD_MAX) /* behind the bytes */

/* Bytes in one piece. */
struct staging {
    char *bytes;
    unsigned long mapped;
    char small[SMALL + EXTRA];
};

static long stage(struct staging *staging, unsigned long size)
{
    staging->bytes = staging->small;
    staging->mapped = 0;
    if (size <= SMALL)
        return 0;
    const long mapped = memory_map(0, size + EXTRA, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (mapped < 0)
        return mapped;
    staging->bytes = (char *)mapped;
    staging->mapped = size + EXTRA;
    return 0;
}

static void unstage(const struct staging *staging)
{
    if (staging->mapped)
        memory_unmap((unsigned long)staging->bytes, staging->mapped);
}

/* From all parts together, or to them: from an offset on. */
static void copy(const struct msghdr *message, unsigned long offset, char *bytes, unsigned long size, bool gathers)
{
    for (size_t i = 0; size && i < (size_t)message->msg_iovlen; i++) {
        const struct iovec *part = &message->msg_iov[i];
        if (offset >= part->iov_len) {
            offset -= part->iov_len;
            continue;
        }
        const unsigned long count = part->iov_len - offset < size ? part->iov_len - offset : size;
        if (gathers)
            memcpy(bytes, (char *)part->iov_base + offset, count);
        else
            memcpy((char *)part->iov_base + offset, bytes, count);
        bytes += count;
        size -= count;
        offset = 0;
    }
}

static unsigned long size_of(const struct msghdr *message)
{
    unsigned long size = 0;
    for (size_t i = 0; i < (size_t)message->msg_iovlen; i++)
        size += message->msg_iov[i].iov_len;
    return size;
}

/* Sending. */

struct sending {
    handle_t end;
    const struct msghdr *message;
    struct socket_key key;
    int passed[PIPES_PASSED_MAX]; /* descriptors */
    unsigned passed_count;
};

static long take_control(const struct msghdr *message, struct sending *sending)
{
    for (size_t at = 0; at + CMSG_LEN(0) <= message->msg_controllen;) {
        struct cmsghdr *each = (void *)((char *)message->msg_control + at);
        if (each->cmsg_len < CMSG_LEN(0) || each->cmsg_len > message->msg_controllen - at || each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
            return -EINVAL;
        const size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (sending->passed_count + count > PIPES_PASSED_MAX)
            return -ETOOMANYREFS;
        memcpy(sending->passed + sending->passed_count, CMSG_DATA(each), count * sizeof(int));
        sending->passed_count += (unsigned)count;
        at += CMSG_ALIGN(each->cmsg_len);
    }
    return 0;
}

/* A part of the message, with what is passed. */
static long send_part(const struct sending *sending, struct staging *staging, unsigned long offset, unsigned long size, bool passes)
{
    struct message request = {.word = {PIPES_WRITE, 0, sending->key.size}, .data = staging->bytes}, reply = {0};
    copy(sending->message, offset, staging->bytes, size, true);
    char *end = staging->bytes + size;
    for (unsigned i = 0; passes && i < sending->passed_count; i++) {
        struct pipes_passed passed;
        const long error = passed_pack(sending->passed[i], &passed, &request.handle[i]);
        if (error) {
            while (request.handle_count)
                sys_handle_close(request.handle[--request.handle_count]);
            return error;
        }
        request.handle_count++;
        memcpy(end, &passed, sizeof passed);
        end += sizeof passed;
    }
    memcpy(end, sending->key.text, sending->key.size);
    request.word[1] = request.handle_count;
    request.size = (uint64_t)(end - staging->bytes) + sending->key.size;
    const int64_t status = end_ask(sending->end, &request, &reply);
    return status == STATUS_OK ? end_taken(&reply, size) : status == STATUS_LIMIT ? -ETOOMANYREFS : pipes_error(status);
}

static long send_all(const struct sending *sending, const struct descriptor *end, long flags)
{
    const unsigned long size = size_of(sending->message), most = size < PIPES_DATA_MAX ? size : PIPES_DATA_MAX;
    const bool is_stream = end->opened.number == PIPES_STREAM, waits = !end->never_waits && !(flags & MSG_DONTWAIT);
    struct end_wish wish = end_room(end->opened.number, size);
    struct staging staging;
    if (!is_stream && size > PIPES_DATA_MAX)
        return -EMSGSIZE;
    wish.key = sending->key.size ? sending->key.text : NULL;
    wish.key_size = sending->key.size;
    long put = stage(&staging, most);
    unsigned long done = 0;
    if (put)
        return put;
    do {
        put = send_part(sending, &staging, done, size - done < most ? size - done : most, !done);
        if (put == -EAGAIN && waits && !(put = end_wait(sending->end, &wish)))
            continue;
        done += put < 0 ? 0 : (unsigned long)put;
    } while (put >= 0 && is_stream && done < size);
    unstage(&staging);
    if (put == -EPIPE)
        end_broken(!(flags & MSG_NOSIGNAL) && is_stream);
    return put < 0 && !done ? put : (long)done;
}

long socket_send(long number, const struct msghdr *message, long flags)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    if (!file)
        return error;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    const struct descriptor end = *file;
    struct sending sending = {.end = end.opened.file, .message = message};
    error = message->msg_controllen ? take_control(message, &sending) : 0;
    if (!error && message->msg_name && message->msg_namelen)
        error = socket_key(message->msg_name, message->msg_namelen, false, &sending.key);
    return error ? error : send_all(&sending, &end, flags);
}

/* Receiving. */

/* New descriptors, as far as there is room for their numbers; the rest is closed. */
static void give_passed(struct msghdr *message, const struct pipes_passed *passed, const handle_t *handles, unsigned count, long flags)
{
    const size_t space = message->msg_control ? message->msg_controllen : 0;
    const size_t most = space >= CMSG_LEN(sizeof(int)) ? (space - CMSG_LEN(0)) / sizeof(int) : 0;
    int numbers[PIPES_PASSED_MAX];
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++) {
        const long number = taken < most ? passed_unpack(&passed[i], handles[i], flags & MSG_CMSG_CLOEXEC) : -EMFILE;
        if (number >= 0)
            numbers[taken++] = (int)number;
        else if (taken >= most)
            sys_handle_close(handles[i]);
    }
    message->msg_controllen = 0;
    if (taken < count)
        message->msg_flags |= MSG_CTRUNC;
    if (!taken)
        return;
    struct cmsghdr *control = message->msg_control;
    *control = (struct cmsghdr){.cmsg_len = (socklen_t)CMSG_LEN(taken * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(control), numbers, taken * sizeof(int));
    message->msg_controllen = (socklen_t)(CMSG_SPACE(taken * sizeof(int)) < space ? CMSG_SPACE(taken * sizeof(int)) : space);
}

/* At an offset of the message's parts; what comes with the bytes only at first. */
static long receive_part(handle_t end, struct msghdr *message, struct staging *staging, unsigned long offset, unsigned long size, long flags)
{
    struct message request = {.word = {PIPES_READ, size, PIPES_WHOLE | (flags & MSG_PEEK ? PIPES_PEEK : 0)}};
    struct message reply = {.data = staging->bytes, .size = size + EXTRA};
    struct pipes_read about;
    const int64_t status = end_ask(end, &request, &reply);
    if (status != STATUS_OK)
        return status == PIPES_NOT_CONNECTED ? -EINVAL : pipes_error(status);
    memcpy(&about, reply.word + 1, sizeof about);
    if (about.size > size || about.address_size > PIPES_ADDRESS_MAX || about.passed != reply.handle_count ||
        about.size + about.address_size + about.passed * sizeof(struct pipes_passed) != reply.size) {
        while (reply.handle_count)
            sys_handle_close(reply.handle[--reply.handle_count]);
        return -EIO;
    }
    copy(message, offset, staging->bytes, about.size, false);
    struct pipes_passed passed[PIPES_PASSED_MAX];
    memcpy(passed, staging->bytes + about.size + about.address_size, about.passed * sizeof *passed);
    if (about.passed || !offset)
        give_passed(message, passed, reply.handle, (unsigned)about.passed, flags);
    if (!offset) {
        socklen_t name_size = message->msg_namelen;
        if (about.address_size)
            socket_give_address(staging->bytes + about.size, about.address_size, message->msg_name, &name_size);
        message->msg_namelen = about.address_size && message->msg_name ? name_size : 0;
    }
    if (about.whole > about.size)
        message->msg_flags |= MSG_TRUNC;
    return flags & MSG_TRUNC && about.whole > about.size ? (long)about.whole : (long)about.size;
}

long socket_receive(long number, struct msghdr *message, long flags)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    if (!file)
        return error;
    if (flags & (MSG_OOB | MSG_ERRQUEUE))
        return flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
    const struct descriptor end = *file;
    const struct end_wish wish = {.events = POLLIN | POLLHUP | POLLERR};
    const unsigned long size = size_of(message), most = size < PIPES_DATA_MAX ? size : PIPES_DATA_MAX;
    const bool wants_all = flags & MSG_WAITALL && !(flags & MSG_PEEK) && end.opened.number == PIPES_STREAM;
    struct staging staging;
    long got = stage(&staging, most);
    unsigned long done = 0;
    if (got)
        return got;
    message->msg_flags = 0;
    do {
        got = receive_part(end.opened.file, message, &staging, done, size - done < most ? size - done : most, flags);
        if (got == -EAGAIN && !end.never_waits && !(flags & MSG_DONTWAIT) && !(got = end_wait(end.opened.file, &wish))) {
            got = 1; /* again */
            continue;
        }
        done += got < 0 ? 0 : (unsigned long)got;
        if (!wants_all)
            break;
    } while (got > 0 && done < size);
    unstage(&staging);
    return got < 0 && !done ? got : (long)done;
}
