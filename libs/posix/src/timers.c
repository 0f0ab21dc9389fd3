/* Timers: a thread of its own, made for the first one, sleeps until the next is due and sends what is wanted. It takes no
 * signals, and uses nothing of libc. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "signals.h"
#include "clock.h"

const char posix_timers; /* posix/groups.h */

#define TIMERS 35   /* those of setitimer, and 32 of timer_create */
#define STACK 16384 /* bytes, with the timers at its low end */
#define NEVER UINT64_MAX

struct timer {
    bool is_used;
    unsigned clock;         /* of the kernel */
    int notify;             /* SIGEV_... */
    int overrun;            /* of the signal that was sent last */
    struct signal_information information;
    uint64_t due, interval; /* nanoseconds; due by its clock, 0: not set */
};

static struct timer *timers; /* TIMERS, made with the first */
static volatile int lock;
static uint32_t version; /* counts changes */
static bool has_thread;

/* How many times it was due. */
static int count_due(struct timer *timer, uint64_t now)
{
    uint64_t times = 1;
    if (timer->interval) {
        times += (now - timer->due) / timer->interval;
        timer->due += times * timer->interval;
    } else {
        timer->due = 0;
    }
    return times > INT32_MAX ? INT32_MAX : (int)times;
}

static void fire(struct timer *timer, uint64_t now)
{
    const int times = count_due(timer, now);
    if (timer->notify == SIGEV_NONE)
        return;
    if (timer->information.code == SI_TIMER && signal_overrun(timer->information.sender, times)) {
        timer->overrun += times;
        return;
    }
    timer->information.overrun = timer->overrun = times - 1;
    signal_queue(&timer->information);
}

/* When by the clock since boot the next one may be due, of those that are not due yet. */
static uint64_t fire_due(void)
{
    uint64_t next = NEVER;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct timer *timer = &timers[i];
        if (!timer->is_used || !timer->due)
            continue;
        uint64_t now = (uint64_t)sys_clock(timer->clock);
        if (timer->due <= now)
            fire(timer, now);
        if (!timer->due)
            continue;
        now = (uint64_t)sys_clock(timer->clock);
        /* What runs for so long takes at least so much time. */
        const uint64_t span = timer->due > now ? timer->due - now : 0, since_boot = (uint64_t)sys_clock(CLOCK_SINCE_BOOT);
        if (since_boot + span < next)
            next = since_boot + span;
    }
    return next;
}

static void run(void)
{
    for (;;) {
        lock_take(&lock);
        const uint32_t seen = version;
        const uint64_t next = fire_due();
        lock_release(&lock);
        sys_futex_wait(&version, seen, 0, next == NEVER ? 0 : next);
    }
}

/* Memory for the timers, and for the thread's stack. */
static long make(void)
{
    long error = 0;
    const uint64_t mask = signal_hold(&lock);
    if (!timers) {
        const long made = memory_map(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (made < 0)
            error = -EAGAIN;
        else
            timers = (struct timer *)made;
    }
    signal_let(&lock, mask);
    return error;
}

static long make_thread(void)
{
    if (has_thread)
        return 0;
    const handle_t self = sys_start_handle(START_HANDLE_SELF);
    /* As a function that was called. */
    const uint64_t pointer = (uint64_t)(uintptr_t)timers + STACK - 8;
    const int64_t handle = sys_thread_create_with(self, (uint64_t)(uintptr_t)run, pointer, 0, 0, NULL);
    if (handle < 0)
        return -EAGAIN;
    sys_handle_close((handle_t)handle);
    has_thread = true;
    return 0;
}

static uint64_t span_of(const struct timespec *time)
{
    return (uint64_t)time_span(time);
}

static struct timespec time_of(uint64_t span)
{
    return (struct timespec){.tv_sec = (time_t)(span / NANOSECONDS), .tv_nsec = (long)(span % NANOSECONDS)};
}

static void look(const struct timer *timer, struct itimerspec *now)
{
    const uint64_t clock = (uint64_t)sys_clock(timer->clock);
    /* One that is due any moment is set. */
    *now = (struct itimerspec){.it_interval = time_of(timer->interval),
                               .it_value = time_of(!timer->due ? 0 : timer->due > clock ? timer->due - clock : 1)};
}

static bool is_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < NANOSECONDS;
}

static long set(struct timer *timer, bool is_absolute, const struct itimerspec *new, struct itimerspec *before)
{
    if (!is_valid(&new->it_interval) || !is_valid(&new->it_value))
        return -EINVAL;
    const uint64_t value = span_of(&new->it_value), now = (uint64_t)sys_clock(timer->clock);
    const uint64_t mask = signal_hold(&lock);
    struct itimerspec was;
    look(timer, &was);
    const long error = value ? make_thread() : 0;
    if (!error) {
        timer->interval = span_of(&new->it_interval);
        timer->due = !value || is_absolute ? value : value < INT64_MAX - now ? now + value : INT64_MAX;
        version++;
        sys_futex_wake(&version, 1, 0);
    }
    signal_let(&lock, mask);
    if (!error && before)
        *before = was;
    return error;
}

/* As musl hands it over. */
struct event {
    union sigval value;
    int signal, notify, thread;
};

static long create(long clock, const struct event *event, int *number)
{
    const int notify = event ? event->notify : SIGEV_SIGNAL, signal = event ? event->signal : SIGALRM;
    unsigned which;
    long error = kernel_clock(clock, &which);
    if (error)
        return error;
    if (which == CLOCK_THREAD) /* no other thread can ask how long this one ran */
        return -ENOTSUP;
    if (notify != SIGEV_NONE && ((notify != SIGEV_SIGNAL && notify != SIGEV_THREAD_ID) || signal < 1 || signal > SIGNAL_MAX))
        return -EINVAL;
    if (notify == SIGEV_THREAD_ID && sys_thread_priority(event->thread, PRIORITY_ASK) < 0)
        return -EINVAL;
    const uint64_t mask = signal_hold(&lock);
    unsigned i = 3;
    while (i < TIMERS && timers[i].is_used)
        i++;
    if (i < TIMERS) {
        timers[i] = (struct timer){.is_used = true, .clock = which, .notify = notify};
        timers[i].information = (struct signal_information){.signal = signal, .code = SI_TIMER, .sender = (int)i};
        if (event)
            timers[i].information.value = event->value;
        else
            timers[i].information.value.sival_int = (int)i;
        if (notify == SIGEV_THREAD_ID)
            timers[i].information.thread = event->thread;
        *number = (int)i;
    }
    signal_let(&lock, mask);
    return i < TIMERS ? 0 : -EAGAIN;
}

static struct timer *find(long number)
{
    return number >= 3 && number < TIMERS && timers[number].is_used ? &timers[number] : NULL;
}

/* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF: the kernel does not keep apart for whom a process runs. */
static struct timer *interval_timer(long which)
{
    static const unsigned clocks[] = {CLOCK_SINCE_BOOT, CLOCK_PROCESS, CLOCK_PROCESS};
    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
    if (which < 0 || which > 2)
        return NULL;
    if (!timers[which].is_used)
        timers[which] = (struct timer){.is_used = true,
                                       .clock = clocks[which],
                                       .notify = SIGEV_SIGNAL,
                                       .information = {.signal = signals[which], .code = SI_KERNEL}};
    return &timers[which];
}

static void to_microseconds(const struct itimerspec *from, struct itimerval *to)
{
    *to = (struct itimerval){{from->it_interval.tv_sec, from->it_interval.tv_nsec / 1000},
                             {from->it_value.tv_sec, (from->it_value.tv_nsec + 999) / 1000}};
    if (to->it_value.tv_usec == 1000000)
        to->it_value = (struct timeval){to->it_value.tv_sec + 1, 0};
}

static long set_interval(long which, const struct itimerval *new, struct itimerval *before)
{
    struct timer *timer = interval_timer(which);
    struct itimerspec was, wanted = {{new->it_interval.tv_sec, new->it_interval.tv_usec * 1000},
                                     {new->it_value.tv_sec, new->it_value.tv_usec * 1000}};
    if (!timer || new->it_interval.tv_usec < 0 || new->it_interval.tv_usec > 999999 || new->it_value.tv_usec < 0 ||
        new->it_value.tv_usec > 999999)
        return -EINVAL;
    const long error = set(timer, false, &wanted, &was);
    if (!error && before)
        to_microseconds(&was, before);
    return error;
}

static long get(const struct timer *timer, struct itimerspec *now)
{
    if (!timer)
        return -EINVAL;
    const uint64_t mask = signal_hold(&lock);
    look(timer, now);
    signal_let(&lock, mask);
    return 0;
}

static long get_interval(long which, struct itimerval *now)
{
    struct itimerspec is;
    const long error = get(interval_timer(which), &is);
    if (!error)
        to_microseconds(&is, now);
    return error;
}

static long delete(struct timer *timer)
{
    if (!timer)
        return -EINVAL;
    const uint64_t mask = signal_hold(&lock);
    *timer = (struct timer){0};
    signal_let(&lock, mask);
    return 0;
}

long call_of_timers(long number, long a, long b, long c, long d)
{
    struct timer *timer;
    switch (number) {
    case SYS_setitimer:
    case SYS_getitimer:
    case SYS_timer_create:
    case SYS_timer_settime:
    case SYS_timer_gettime:
    case SYS_timer_getoverrun:
    case SYS_timer_delete: {
        const long error = make();
        if (error)
            return error;
        break;
    }
    default:
        return -ENOSYS;
    }
    switch (number) {
    case SYS_setitimer:
        return set_interval(a, (void *)b, (void *)c);
    case SYS_getitimer:
        return get_interval(a, (void *)b);
    case SYS_timer_create:
        return create(a, (void *)b, (void *)c);
    case SYS_timer_settime:
        timer = find(a);
        return timer ? set(timer, b & TIMER_ABSTIME, (void *)c, (void *)d) : -EINVAL;
    case SYS_timer_gettime:
        return get(find(a), (void *)b);
    case SYS_timer_getoverrun:
        timer = find(a);
        return timer ? timer->overrun : -EINVAL;
    default:
        return delete(find(a));
    }
}
