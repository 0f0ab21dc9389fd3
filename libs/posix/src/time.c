#include <errno.h>
#include <system/call.h>

#include "internal.h"

static long kernel_clock(long clock, unsigned *which)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *which = CLOCK_WALL;
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_PROCESS_CPUTIME_ID: /* the kernel keeps no account of it: an upper bound */
    case CLOCK_THREAD_CPUTIME_ID:
        *which = CLOCK_SINCE_BOOT;
        return 0;
    default:
        return -EINVAL;
    }
}

long time_get(long clock, struct timespec *time)
{
    unsigned which;
    long error = kernel_clock(clock, &which);
    if (error)
        return error;
    int64_t now = sys_clock(which);
    *time = (struct timespec){.tv_sec = now / NANOSECONDS, .tv_nsec = now % NANOSECONDS};
    return 0;
}

long time_resolution(long clock, struct timespec *time)
{
    unsigned which;
    long error = kernel_clock(clock, &which);
    if (!error && time)
        *time = (struct timespec){.tv_nsec = 839}; /* one count of the timer, 1193182 Hz */
    return error;
}

int64_t time_span(const struct timespec *time)
{
    return time->tv_sec > INT64_MAX / NANOSECONDS - 1 ? INT64_MAX : time->tv_sec * NANOSECONDS + time->tv_nsec;
}

long time_sleep(long clock, long flags, const struct timespec *request)
{
    unsigned which;
    long error = kernel_clock(clock, &which);
    if (error)
        return error;
    if (request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec >= NANOSECONDS)
        return -EINVAL;
    int64_t span = time_span(request);
    if (flags & TIMER_ABSTIME)
        span -= sys_clock(which);
    return span > 0 ? error_of(sys_thread_sleep((uint64_t)span)) : 0;
}
