#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <system/call.h>
#include <system/start.h>

#include "clock.h"
#include "internal.h"

/* Ids that are made of a process' or a thread's number: its number, negative, then these three bits. */
#define OF_PROCESS 2
#define OF_THREAD 6

static long own_clock(long clock, unsigned *which)
{
    const long number = ~(clock >> 3), kind = clock & 7;
    if (clock >= 0 || number < 0)
        return -EINVAL;
    if (kind == OF_PROCESS && (!number || number == OWN_NUMBER))
        *which = CLOCK_PROCESS;
    else if (kind == OF_THREAD && (!number || number == sys_thread_number()))
        *which = CLOCK_THREAD;
    else
        return -EINVAL;
    return 0;
}

long kernel_clock(long clock, unsigned *which)
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
        *which = CLOCK_SINCE_BOOT;
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *which = CLOCK_PROCESS;
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *which = CLOCK_THREAD;
        return 0;
    default:
        return own_clock(clock, which);
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

/* Until then by the clock since boot, whatever signals come that nothing is done with. */
static int64_t sleep_until(int64_t until)
{
    for (;;) {
        const int64_t left = until - sys_clock(CLOCK_SINCE_BOOT);
        const int64_t status = left > 0 ? sys_thread_sleep((uint64_t)left) : STATUS_OK;
        if (status != STATUS_IGNORED)
            return status;
    }
}

long time_sleep(long clock, long flags, const struct timespec *request, struct timespec *rest)
{
    unsigned which;
    long error = kernel_clock(clock, &which);
    if (error || which == CLOCK_THREAD)
        return -EINVAL;
    if (which == CLOCK_PROCESS)
        return -ENOTSUP;
    if (request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec >= NANOSECONDS)
        return -EINVAL;
    const int64_t now = sys_clock(CLOCK_SINCE_BOOT);
    int64_t span = time_span(request);
    if (flags & TIMER_ABSTIME)
        span -= sys_clock(which);
    if (span <= 0)
        return 0;
    const int64_t until = span < INT64_MAX - now ? now + span : INT64_MAX;
    error = error_of(sleep_until(until));
    if (error == -EINTR && rest && !(flags & TIMER_ABSTIME)) {
        const int64_t left = until - sys_clock(CLOCK_SINCE_BOOT);
        *rest = (struct timespec){left > 0 ? left / NANOSECONDS : 0, left > 0 ? left % NANOSECONDS : 0};
    }
    return error;
}

/* In hundredths of a second, as Linux has it; the result is the time since boot. */
long time_of_process(struct tms *times)
{
    const int64_t hundredth = NANOSECONDS / 100;
    if (times)
        *times = (struct tms){.tms_utime = sys_clock(CLOCK_PROCESS) / hundredth};
    return sys_clock(CLOCK_SINCE_BOOT) / hundredth;
}

long time_usage(long who, struct rusage *usage)
{
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != 1 /* RUSAGE_THREAD */)
        return -EINVAL;
    memset(usage, 0, offsetof(struct rusage, __reserved));
    /* Of children the kernel keeps no account. */
    const int64_t ran = who == RUSAGE_CHILDREN ? 0 : sys_clock(who == RUSAGE_SELF ? CLOCK_PROCESS : CLOCK_THREAD);
    usage->ru_utime = (struct timeval){ran / NANOSECONDS, ran % NANOSECONDS / 1000};
    return 0;
}
