/* Waiting for several descriptors. Those of the service pipes signal an endpoint of the thread that waits; what is always ready
 * does not wait. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <system/call.h>
#include <system/start.h>

#include "pipes_client.h"

#define ALWAYS (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM)
#define READABLE (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define WRITABLE (POLLOUT | POLLWRNORM | POLLERR)
#define BITS (8 * sizeof(unsigned long))

static void forget_keys(handle_t endpoint)
{
    const handle_t input = sys_start_handle(START_HANDLE_INPUT);
    if (input)
        sys_input_watch(input, endpoint, true);
}

/* How one of them is waited for; number 0: it is not. */
struct armed {
    struct descriptor file;
    uint64_t number;
};

/* Whether one can be read, or there will be none; else the endpoint is signalled when one comes. */
static bool keys(handle_t endpoint)
{
    const handle_t input = sys_start_handle(START_HANDLE_INPUT);
    if (!input || endpoint)
        return !input || sys_input_watch(input, endpoint, false) != 0;
    const int64_t made = sys_endpoint_create();
    const bool is_there = made < 0 || sys_input_watch(input, (handle_t)made, false) != 0;
    forget_keys((handle_t)made);
    sys_handle_close((handle_t)made);
    return is_there;
}

static long events_of(const struct pollfd *each, handle_t endpoint, struct armed *armed)
{
    const struct descriptor *file = descriptor_of(each->fd);
    armed->number = 0;
    if (!file)
        return POLLNVAL;
    armed->file = *file;
    if (file->kind == EMPTY)
        return each->events & (keys(endpoint) ? POLLIN | POLLRDNORM : 0);
    if (!file->calls)
        return (file->kind == CONSOLE ? POLLOUT | POLLWRNORM : ALWAYS) & each->events;
    const int64_t signalled = endpoint ? sys_handle_duplicate(endpoint, RIGHT_SIGNAL | RIGHT_TRANSFER, 0) : 0;
    if (signalled < 0)
        return error_of(signalled);
    return file->calls->poll(file, each->events | POLLHUP | POLLERR, (handle_t)signalled, &armed->number);
}

/* How many are ready, or an error number. Where there is an endpoint, it is signalled when that changes. */
static long look_at_all(struct pollfd *list, unsigned long count, handle_t endpoint, struct armed *armed)
{
    long ready = 0;
    for (unsigned long i = 0; i < count; i++) {
        list[i].revents = 0;
        armed[i].number = 0;
        if (list[i].fd < 0)
            continue;
        const long events = events_of(&list[i], ready ? 0 : endpoint, &armed[i]);
        if (events < 0)
            return events;
        list[i].revents = (short)events;
        ready += events != 0;
    }
    return ready;
}

/* STATUS_OK, and `*ready` of them are; or why nothing is waited for any more. */
static int64_t wait_once(struct pollfd *list, unsigned long count, uint64_t deadline, long *ready)
{
    struct armed armed[DESCRIPTORS] = {0};
    const int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return endpoint;
    struct message message = {0};
    handle_t none;
    int64_t status = STATUS_OK;
    *ready = look_at_all(list, count, (handle_t)endpoint, armed);
    if (!*ready)
        status = sys_receive_until((handle_t)endpoint, &message, &none, deadline);
    for (unsigned long i = 0; i < count; i++)
        if (armed[i].number)
            armed[i].file.calls->disarm(&armed[i].file, armed[i].number);
    forget_keys((handle_t)endpoint);
    sys_handle_close((handle_t)endpoint);
    return status;
}

long poll_several(struct pollfd *list, unsigned long count, const struct timespec *time)
{
    if (count > DESCRIPTORS || (time && (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS)))
        return -EINVAL;
    long ready = 0;
    const int64_t span = time ? time_span(time) : 0, now = sys_clock(CLOCK_SINCE_BOOT);
    if (time && !span) {
        struct armed armed[DESCRIPTORS] = {0};
        return look_at_all(list, count, 0, armed);
    }
    const uint64_t deadline = !time ? 0 : span > INT64_MAX - now ? INT64_MAX : (uint64_t)(now + span);
    int64_t status = STATUS_OK;
    while (!ready && status == STATUS_OK)
        if ((status = wait_once(list, count, deadline, &ready)) == STATUS_IGNORED)
            status = STATUS_OK;
    return status == STATUS_OK ? ready : status == STATUS_TIMED_OUT ? 0 : error_of(status);
}

long poll_masked(struct pollfd *list, unsigned long count, const struct timespec *time, const uint64_t *mask)
{
    static const uint32_t nothing;
    uint64_t before;
    if (!mask)
        return poll_several(list, count, time);
    __atomic_add_fetch(&signal_unblockers, 1, __ATOMIC_SEQ_CST);
    signal_change_mask(SIGNAL_SET, mask, &before);
    const long ready = poll_several(list, count, time);
    signal_change_mask(SIGNAL_SET, &before, NULL);
    __atomic_sub_fetch(&signal_unblockers, 1, __ATOMIC_SEQ_CST);
    if (ready >= 0) /* a signal was taken, perhaps, and no wait ended by it */
        sys_futex_wait(&nothing, 0, 0, 1);
    return ready;
}

static bool has(const unsigned long *set, unsigned long number)
{
    return set && set[number / BITS] >> number % BITS & 1;
}

/* What poll() says, as a set. How many are in it. */
static long put(unsigned long *set, const struct pollfd *list, unsigned long count, long wanted, long events)
{
    long all = 0;
    for (unsigned long i = 0; set && i < count; i++)
        if (list[i].events & wanted && list[i].revents & events) {
            set[(unsigned long)list[i].fd / BITS] |= 1ul << (unsigned long)list[i].fd % BITS;
            all++;
        }
    return all;
}

long poll_sets(long count, unsigned long *reads, unsigned long *writes, unsigned long *excepts, const struct timespec *time,
               const uint64_t *mask)
{
    struct pollfd list[DESCRIPTORS];
    unsigned long used = 0;
    if (count < 0 || count > FD_SETSIZE)
        return -EINVAL;
    for (unsigned long number = 0; number < (unsigned long)count; number++) {
        const int events = (has(reads, number) ? POLLIN : 0) | (has(writes, number) ? POLLOUT : 0) | (has(excepts, number) ? POLLPRI : 0);
        if (events && !descriptor_of((long)number))
            return -EBADF;
        if (events)
            list[used++] = (struct pollfd){(int)number, (short)events, 0};
    }
    const long ready = poll_masked(list, used, time, mask);
    if (ready < 0)
        return ready;
    const size_t size = ((unsigned long)count + BITS - 1) / BITS * sizeof(unsigned long);
    unsigned long *const sets[] = {reads, writes, excepts};
    for (unsigned i = 0; i < 3; i++)
        if (sets[i])
            memset(sets[i], 0, size);
    return put(reads, list, used, POLLIN, READABLE) + put(writes, list, used, POLLOUT, WRITABLE) + put(excepts, list, used, POLLPRI, POLLPRI);
}
