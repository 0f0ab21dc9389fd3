/* Timers that send signals, and how long a process ran, by what POSIX says. The same program runs on the development machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

static void alarms(void)
{
    struct itimerval timer = {.it_value.tv_usec = 5000}, is;
    struct timespec begin = after(CLOCK_MONOTONIC, 0);
    act_with(SIGALRM, 0);
    taken = 0;
    CHECK(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec == 0 && is.it_value.tv_usec == 0);
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK(comes(SIGALRM, 1) && since(begin) >= 5000 && code == SI_KERNEL);
    CHECK(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec == 0 && is.it_value.tv_usec == 0);
    timer.it_interval.tv_usec = 2000;
    begin = after(CLOCK_MONOTONIC, 0);
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (taken < 4)
        ; /* it interrupts what only computes, too */
    CHECK(since(begin) >= 9000);
    timer = (struct itimerval){0};
    CHECK(setitimer(ITIMER_REAL, &timer, &is) == 0 && is.it_interval.tv_usec == 2000);
    taken = 0;
    nap(5);
    CHECK(taken == 0);
    CHECK(alarm(100) == 0 && getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec >= 90);
    const unsigned left = alarm(200);
    CHECK(left > 50 && left <= 100);
    CHECK(alarm(0) > 150 && alarm(0) == 0 && taken == 0);
    CHECK(ualarm(3000, 0) == 0 && comes(SIGALRM, 1));
    CHECK(setitimer(7, &timer, NULL) == -1 && errno == EINVAL);
    timer.it_value.tv_usec = 1000000;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == -1 && errno == EINVAL);
    /* One of the time that the process runs. */
    act(SIGPROF, count, 0);
    timer = (struct itimerval){.it_value.tv_usec = 4000};
    const clock_t ran = clock();
    taken = 0;
    CHECK(setitimer(ITIMER_PROF, &timer, NULL) == 0);
    while (!taken)
        ;
    CHECK(last == SIGPROF && clock() - ran >= 3000);
}

static volatile sig_atomic_t notified;

static void notify(union sigval with)
{
    value = with.sival_int;
    notified++; /* also once more when its timer is gone already */
}

static void timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 5};
    struct itimerspec spec = {.it_value.tv_nsec = 3000000}, is;
    timer_t timer, other;
    act_with(SIGRTMIN + 1, 0);
    taken = value = 0;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_gettime(timer, &is) == 0 && is.it_value.tv_sec == 0 && is.it_value.tv_nsec == 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    CHECK(timer_gettime(timer, &is) == 0 && is.it_value.tv_nsec <= 3000000);
    CHECK(comes(SIGRTMIN + 1, 1) && code == SI_TIMER && value == 5);
    spec.it_value = after(CLOCK_MONOTONIC, 4);
    CHECK(timer_settime(timer, TIMER_ABSTIME, &spec, NULL) == 0 && comes(SIGRTMIN + 1, 2) && is_past(CLOCK_MONOTONIC, spec.it_value));
    /* Those that come while one waits are overruns of that. */
    const sigset_t set = set_of(SIGRTMIN + 1, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    spec = (struct itimerspec){.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    nap(20);
    siginfo_t found = {0};
    const struct timespec now = {0};
    CHECK(sigtimedwait(&set, &found, &now) == SIGRTMIN + 1 && found.si_code == SI_TIMER && found.si_value.sival_int == 5);
    CHECK(timer_getoverrun(timer) >= 5 && timer_getoverrun(timer) < 1000);
    spec = (struct itimerspec){0};
    CHECK(timer_settime(timer, 0, &spec, &is) == 0 && is.it_interval.tv_nsec == 1000000);
    sigtimedwait(&set, &found, &now);
    CHECK(sigtimedwait(&set, &found, &now) == -1 && errno == EAGAIN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    CHECK(timer_delete(timer) == 0 && taken == 2);
    /* None that sends nothing, the usual one, one of a thread. */
    event.sigev_notify = SIGEV_NONE;
    spec.it_value.tv_nsec = 2000000;
    CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0 && timer_settime(timer, 0, &spec, NULL) == 0);
    nap(4);
    CHECK(timer_gettime(timer, &is) == 0 && is.it_value.tv_nsec == 0 && timer_delete(timer) == 0 && taken == 2);
    act_with(SIGALRM, 0);
    CHECK(timer_create(CLOCK_REALTIME, NULL, &timer) == 0 && timer_settime(timer, 0, &spec, NULL) == 0);
    CHECK(comes(SIGALRM, 3) && code == SI_TIMER);
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 9};
    spec.it_interval.tv_nsec = 2000000;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &other) == 0 && timer_settime(other, 0, &spec, NULL) == 0);
    for (long i = 0; notified < 3 && i < 2000; i++)
        nap(1);
    CHECK(notified >= 3 && value == 9 && timer_delete(other) == 0 && timer_delete(timer) == 0);
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == -1 && errno == EINVAL);
    CHECK(timer_create(1000, NULL, &timer) == -1 && errno == EINVAL);
    act(SIGRTMIN + 1, count, 0);
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    spec = (struct itimerspec){.it_value.tv_nsec = 3000000};
    const clock_t ran = clock();
    taken = 0;
    CHECK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0 && timer_settime(timer, 0, &spec, NULL) == 0);
    while (!taken)
        ;
    CHECK(clock() - ran >= 2500 && timer_delete(timer) == 0);
}

static long microseconds(clockid_t clock)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* How long it took, of the thread's time. */
static void *burn(void *argument)
{
    const long begin = microseconds(CLOCK_THREAD_CPUTIME_ID);
    long now = begin;
    (void)argument;
    while (now - begin < 5000)
        now = microseconds(CLOCK_THREAD_CPUTIME_ID);
    return (void *)(now - begin);
}

/* Another thread's work is not this one's; a machine that is busy may take time from both: then once more. */
static int is_apart(void)
{
    for (int i = 0; i < 50; i++) {
        pthread_t other;
        void *took = NULL;
        const long process = microseconds(CLOCK_PROCESS_CPUTIME_ID), thread = microseconds(CLOCK_THREAD_CPUTIME_ID);
        CHECK(pthread_create(&other, NULL, burn, NULL) == 0 && pthread_join(other, &took) == 0);
        CHECK((long)took > 4000 && microseconds(CLOCK_PROCESS_CPUTIME_ID) - process >= (long)took - 1000);
        if (microseconds(CLOCK_THREAD_CPUTIME_ID) - thread < (long)took)
            return 1;
    }
    return 0;
}

static int sleeps_for_nothing(void)
{
    for (int i = 0; i < 50; i++) {
        const long process = microseconds(CLOCK_PROCESS_CPUTIME_ID), thread = microseconds(CLOCK_THREAD_CPUTIME_ID);
        nap(20);
        if (microseconds(CLOCK_PROCESS_CPUTIME_ID) - process < 10000 && microseconds(CLOCK_THREAD_CPUTIME_ID) - thread < 10000)
            return 1;
    }
    return 0;
}

static void run_times(void)
{
    struct rusage usage, before;
    struct tms times_now;
    const long process = microseconds(CLOCK_PROCESS_CPUTIME_ID), thread = microseconds(CLOCK_THREAD_CPUTIME_ID);
    CHECK(getrusage(RUSAGE_SELF, &before) == 0);
    CHECK(sleeps_for_nothing());
    burn(NULL);
    CHECK(microseconds(CLOCK_PROCESS_CPUTIME_ID) - process > 4000 && microseconds(CLOCK_THREAD_CPUTIME_ID) - thread > 4000);
    CHECK(is_apart());
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_utime.tv_sec >= before.ru_utime.tv_sec);
    CHECK(getrusage(1, &usage) == 0 && getrusage(RUSAGE_CHILDREN, &usage) == 0 && usage.ru_utime.tv_sec == 0);
    CHECK(getrusage(77, &usage) == -1 && errno == EINVAL);
    CHECK(times(&times_now) != (clock_t)-1 && times_now.tms_cutime == 0);
    clockid_t own;
    CHECK(clock_getcpuclockid(0, &own) == 0 && microseconds(own) > 0);
    CHECK(pthread_getcpuclockid(pthread_self(), &own) == 0 && microseconds(own) > 0);
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){.tv_nsec = 1}, NULL) == EINVAL);
}

int main(void)
{
    alarms();
    timers();
    run_times();
    return checks_finish("timers");
}
