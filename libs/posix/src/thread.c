/* Futexes and the ends of threads, in Linux' terms. */
#include <errno.h>
#include <sched.h>
#include <system/call.h>
#include <system/signal.h>

#include "internal.h"

#define OPERATION 127
#define PRIVATE 128
#define OF_WALL_CLOCK 256
#define WAIT 0
#define WAKE 1
#define REQUEUE 3
#define COMPARE_REQUEUE 4
#define LOCK 6
#define UNLOCK 7
#define TRY_LOCK 8
#define WAIT_BITS 9
#define ANY_BIT 0xffffffff

/* By the kernel's clock since boot; 0 of no time. */
static long deadline_of(const struct timespec *time, int is_absolute, int is_wall, uint64_t *deadline)
{
    *deadline = 0;
    if (!time)
        return 0;
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS)
        return -EINVAL;
    int64_t span = time_span(time), now = sys_clock(CLOCK_SINCE_BOOT);
    if (is_absolute)
        span -= is_wall ? sys_clock(CLOCK_WALL) : now;
    *deadline = span < 1 - now ? 1 : span > INT64_MAX - now ? INT64_MAX : (uint64_t)(now + span);
    return 0;
}

static long wait(const int *word, long operation, long value, const struct timespec *time, unsigned flags)
{
    uint64_t deadline;
    const int is_absolute = (operation & OPERATION) == WAIT_BITS;
    long error = deadline_of(time, is_absolute, !!(operation & OF_WALL_CLOCK), &deadline);
    if (error)
        return error;
    int64_t status;
    do
        status = sys_futex_wait(word, (uint32_t)value, flags, deadline);
    while (status == STATUS_IGNORED || (status == STATUS_RESTART && !time));
    return error_of(status);
}

/* The time is the wall clock's. */
static long lock(const int *word, const struct timespec *time, unsigned flags)
{
    uint64_t deadline;
    const long error = deadline_of(time, 1, 1, &deadline);
    if (error)
        return error;
    int64_t status;
    do
        status = sys_futex_lock(word, flags, deadline);
    while (is_to_go_on(status) || status == STATUS_INTERRUPTED);
    return status == STATUS_OVERLAP ? -EDEADLK : status == STATUS_PEER_GONE ? -ESRCH : error_of(status);
}

static uint64_t count_of(long value)
{
    return (int)value < 0 ? 0 : (uint64_t)(int)value;
}

static long number_or_error(int64_t result)
{
    return result < 0 ? error_of(result) : (long)result;
}

long thread_futex(const int *word, long operation, long value, const void *fourth, const int *other, long last)
{
    const unsigned flags = operation & PRIVATE ? 0 : FUTEX_SHARED;
    switch (operation & OPERATION) {
    case WAIT_BITS:
        if ((uint32_t)last != ANY_BIT)
            return -ENOSYS;
        return wait(word, operation, value, fourth, flags);
    case WAIT:
        return wait(word, operation, value, fourth, flags);
    case WAKE:
        return number_or_error(sys_futex_wake(word, count_of(value), flags));
    case REQUEUE:
        return number_or_error(sys_futex_requeue(word, count_of(value), other, count_of((long)fourth), flags, 0));
    case COMPARE_REQUEUE:
        return number_or_error(sys_futex_requeue(word, count_of(value), other, count_of((long)fourth), flags | FUTEX_COMPARE,
                                                 (uint32_t)last));
    case LOCK:
        return lock(word, fourth, flags);
    case TRY_LOCK:
        return lock(word, &(struct timespec){0}, flags) == -ETIMEDOUT ? -EAGAIN : 0;
    case UNLOCK:
        return sys_futex_unlock(word, flags) == STATUS_NO_RIGHT ? -EPERM : 0;
    default:
        return -ENOSYS;
    }
}

/* Every policy but the usual one takes turns among equals, before lower ones. */
long thread_schedule(long number, long policy, const struct sched_param *parameters)
{
    const int priority = parameters->sched_priority;
    if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR)
        return -EINVAL;
    if (policy == SCHED_OTHER ? priority != 0 : priority < 1 || priority > PRIORITY_MAX)
        return -EINVAL;
    const int64_t status = sys_thread_priority(number, (unsigned)priority);
    return status == STATUS_NO_RIGHT ? -EPERM : status == STATUS_PEER_GONE ? -ESRCH : status < 0 ? error_of(status) : 0;
}

long thread_priority(long number)
{
    const int64_t status = sys_thread_priority(number, PRIORITY_ASK);
    return status == STATUS_PEER_GONE ? -ESRCH : number_or_error(status);
}

long thread_exit_word(const int *word)
{
    sys_thread_exit_word(word);
    return sys_thread_number();
}
