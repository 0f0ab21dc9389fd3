/* Which call goes where, of pipes, local sockets, and waiting for several. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "pipes_client.h"

const char posix_pipes; /* posix/groups.h */

/* As pselect() hands a mask over. */
struct mask_and_size {
    const uint64_t *mask;
    size_t size;
};

static long poll_milliseconds(struct pollfd *list, unsigned long count, int milliseconds)
{
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
    return poll_several(list, count, milliseconds < 0 ? NULL : &time);
}

static long poll_sets_until(long count, void *reads, void *writes, void *excepts, const struct timeval *time)
{
    struct timespec exact = {0};
    if (time) {
        if (time->tv_sec < 0 || time->tv_usec < 0)
            return -EINVAL;
        exact = (struct timespec){time->tv_sec + time->tv_usec / 1000000, time->tv_usec % 1000000 * 1000};
    }
    return poll_sets(count, reads, writes, excepts, time ? &exact : NULL, NULL);
}

static long send_to(long number, const void *data, unsigned long size, long flags, const void *address, socklen_t address_size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    const struct msghdr message = {
        .msg_name = (void *)(uintptr_t)address, .msg_namelen = address ? address_size : 0, .msg_iov = &part, .msg_iovlen = 1};
    return socket_send(number, &message, flags);
}

static long receive_from(long number, void *buffer, unsigned long size, long flags, void *address, socklen_t *address_size)
{
    struct iovec part = {buffer, size};
    struct msghdr message = {.msg_name = address, .msg_namelen = address ? *address_size : 0, .msg_iov = &part, .msg_iovlen = 1};
    const long got = socket_receive(number, &message, flags);
    if (got >= 0 && address)
        *address_size = message.msg_namelen;
    return got;
}

static long call_of_sockets(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
    case SYS_socket:
        return socket_make(a, b, c);
    case SYS_socketpair:
        return socket_pair(a, b, c, (void *)d);
    case SYS_bind:
        return socket_bind(a, (void *)b, (socklen_t)c);
    case SYS_listen:
        return socket_listen(a, b);
    case SYS_connect:
        return socket_connect(a, (void *)b, (socklen_t)c);
    case SYS_accept:
        return socket_accept(a, (void *)b, (void *)c, 0);
    case SYS_accept4:
        return socket_accept(a, (void *)b, (void *)c, d);
    case SYS_shutdown:
        return socket_shut_down(a, b);
    case SYS_getsockname:
    case SYS_getpeername:
        return socket_name(a, (void *)b, (void *)c, number == SYS_getpeername);
    case SYS_getsockopt:
        return socket_option(a, b, c, (void *)d, (void *)e);
    case SYS_setsockopt:
        return socket_set_option(a, b, c, (void *)d, (socklen_t)e);
    case SYS_sendto:
        return send_to(a, (void *)b, (unsigned long)c, d, (void *)e, (socklen_t)f);
    case SYS_recvfrom:
        return receive_from(a, (void *)b, (unsigned long)c, d, (void *)e, (void *)f);
    case SYS_sendmsg:
        return socket_send(a, (void *)b, c);
    case SYS_recvmsg:
        return socket_receive(a, (void *)b, c);
    default:
        return call_of_signals(number, a, b, c, d);
    }
}

long call_of_pipes(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
#ifdef SYS_pipe
    case SYS_pipe:
        return pipe_make((void *)a, 0);
    case SYS_poll:
        return poll_milliseconds((void *)a, (unsigned long)b, (int)c);
    case SYS_select:
        return poll_sets_until(a, (void *)b, (void *)c, (void *)d, (void *)e);
    case SYS_eventfd:
        return counter_make((unsigned)a, 0);
    case SYS_epoll_create:
        return (int)a > 0 ? epoll_make(0) : -EINVAL;
    case SYS_epoll_wait:
        return epoll_await(a, (void *)b, (int)c, (int)d, NULL);
#endif
    case SYS_pipe2:
        return pipe_make((void *)a, b);
    case SYS_epoll_create1:
        return epoll_make(a);
    case SYS_epoll_ctl:
        return epoll_change(a, b, c, (void *)d);
    case SYS_epoll_pwait:
        return epoll_await(a, (void *)b, (int)c, (int)d, (void *)e);
    case SYS_eventfd2:
        return counter_make((unsigned)a, b);
    case SYS_ppoll:
        return poll_masked((void *)a, (unsigned long)b, (void *)c, (void *)d);
    case SYS_pselect6:
        return poll_sets(a, (void *)b, (void *)c, (void *)d, (void *)e, f ? ((const struct mask_and_size *)f)->mask : NULL);
    default:
        return call_of_sockets(number, a, b, c, d, e, f);
    }
}
