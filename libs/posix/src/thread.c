/* Futexes and the ends of threads, in Linux' terms. */
#include <errno.h>
#include <system/call.h>

#include "internal.h"

#define OPERATION 127
#define PRIVATE 128
#define OF_WALL_CLOCK 256
#define WAIT 0
#define WAKE 1
#define REQUEUE 3
#define COMPARE_REQUEUE 4
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
    return error ? error : error_of(sys_futex_wait(word, (uint32_t)value, flags, deadline));
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
    default:
        return -ENOSYS;
    }
}

long thread_exit_word(const int *word)
{
    sys_thread_exit_word(word);
    return sys_thread_number();
}
