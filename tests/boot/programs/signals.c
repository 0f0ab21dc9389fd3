/* Signals within a process and the timers that send them, by what POSIX says. The same program runs on the development machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

static volatile sig_atomic_t taken, last, nested;
static volatile int code, value, deepest;
static volatile long sender;
static char *volatile handler_stack;

static void count(int signal)
{
    taken++;
    last = signal;
}

static void keep(int signal, siginfo_t *information, void *context)
{
    (void)context;
    count(signal);
    code = information->si_code;
    value = information->si_value.sival_int;
    sender = information->si_pid;
}

static void act(int signal, void (*plain)(int), int flags)
{
    struct sigaction action = {.sa_handler = plain, .sa_flags = flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static void act_with(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = keep, .sa_flags = flags | SA_SIGINFO};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static sigset_t set_of(int first, int second)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    if (second)
        sigaddset(&set, second);
    return set;
}

static long since(struct timespec start)
{
    const struct timespec now = after(CLOCK_MONOTONIC, 0);
    return (now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000;
}

static void no_signal(void)
{
    struct sigaction action;
    CHECK(kill(getpid(), 0) == 0 && raise(0) == 0 && pthread_kill(pthread_self(), 0) == 0);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    CHECK(kill(getpid(), -1) == -1 && errno == EINVAL);
    CHECK(kill(0x3ffffffe, 0) == -1 && errno == ESRCH);
    CHECK(kill(0x3ffffffe, SIGTERM) == -1 && errno == ESRCH);
    CHECK(sigaction(SIGKILL, &(struct sigaction){.sa_handler = count}, NULL) == -1 && errno == EINVAL);
    CHECK(sigaction(SIGSTOP, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == -1 && errno == EINVAL);
    CHECK(sigaction(SIGKILL, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK(getpid() > 0 && getpid() == getpid());
}

static void ignored(void)
{
    static const int defaults[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
    for (unsigned i = 0; i < sizeof defaults / sizeof *defaults; i++)
        CHECK(raise(defaults[i]) == 0 && kill(getpid(), defaults[i]) == 0);
    act(SIGUSR1, SIG_IGN, 0);
    CHECK(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
    /* What is kept off is not ignored yet. */
    sigset_t set = set_of(SIGUSR1, 0), pending;
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    act(SIGUSR1, count, 0);
    taken = 0;
    sigpending(&pending);
    const int is_pending = sigismember(&pending, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    CHECK(is_pending == taken);
}

static void kept_off(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), before, pending;
    act(SIGUSR1, count, 0);
    act(SIGUSR2, count, 0);
    taken = 0;
    CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0 && !sigismember(&before, SIGUSR1));
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
    CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0 && taken == 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGINT));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && taken == 2);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
    /* KILL and STOP are never kept off. */
    sigfillset(&set);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0 && sigprocmask(SIG_SETMASK, &before, &set) == 0);
    CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP) && sigismember(&set, SIGTERM));
}

static void again(int signal)
{
    const int level = ++nested;
    count(signal);
    if (level > deepest)
        deepest = level;
    if (taken < 3)
        raise(signal);
    nested--;
}

static void flags(void)
{
    struct sigaction before;
    act(SIGUSR1, again, 0);
    taken = nested = deepest = 0;
    CHECK(raise(SIGUSR1) == 0 && taken == 3 && deepest == 1);
    act(SIGUSR1, again, SA_NODEFER);
    taken = nested = deepest = 0;
    CHECK(raise(SIGUSR1) == 0 && taken == 3 && deepest == 3);
    act(SIGUSR1, count, SA_RESETHAND);
    taken = 0;
    CHECK(raise(SIGUSR1) == 0 && taken == 1);
    CHECK(sigaction(SIGUSR1, NULL, &before) == 0 && before.sa_handler == SIG_DFL);
    act(SIGUSR1, count, SA_RESTART | SA_NODEFER);
    CHECK(sigaction(SIGUSR1, NULL, &before) == 0 && before.sa_handler == count);
    CHECK((before.sa_flags & (SA_RESTART | SA_NODEFER | SA_RESETHAND)) == (SA_RESTART | SA_NODEFER));
}

static void with_values(void)
{
    const sigset_t set = set_of(SIGRTMIN, SIGUSR1);
    act_with(SIGUSR1, 0);
    act_with(SIGRTMIN, 0);
    taken = 0;
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}) == 0 && taken == 1);
    CHECK(code == SI_QUEUE && value == 77 && sender == getpid());
    CHECK(kill(getpid(), SIGUSR1) == 0 && taken == 2 && code == SI_USER && sender == getpid());
    CHECK(raise(SIGUSR1) == 0 && taken == 3 && code == SI_TKILL && sender == getpid());
    CHECK(sigqueue(getpid(), 0, (union sigval){0}) == 0 && taken == 3);
    CHECK(sigqueue(0x3ffffffe, SIGUSR1, (union sigval){0}) == -1 && errno == ESRCH);
    /* As many as were sent, in their order; of others one. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 1; i <= 3; i++) {
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
        CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i}) == 0);
    }
    taken = 0;
    siginfo_t found;
    const struct timespec now = {0};
    CHECK(sigtimedwait(&set, &found, &now) == SIGUSR1 && found.si_value.sival_int == 1 && found.si_code == SI_QUEUE);
    CHECK(sigtimedwait(&set, &found, &now) == SIGRTMIN && found.si_value.sival_int == 1 && taken == 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    CHECK(taken == 2 && last == SIGRTMIN && value == 3);
}

static volatile int sends;

/* Again and again: the first may come before the other thread waits. */
static void *send_some(void *argument)
{
    while (nap(3), sends)
        kill(getpid(), (int)(intptr_t)argument);
    return NULL;
}

static void *send_to_main(void *main)
{
    while (nap(3), sends)
        pthread_kill(*(pthread_t *)main, SIGUSR1);
    return NULL;
}

static void *post_later(void *semaphore)
{
    while (taken < 2) /* it goes on waiting after the first */
        nap(1);
    sem_post(semaphore);
    return NULL;
}

/* All but the main thread keep everything off. */
static pthread_t start(void *(*begin)(void *), void *argument)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    sends = 1;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(pthread_create(&thread, NULL, begin, argument) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

static void stop(pthread_t thread)
{
    sends = 0;
    CHECK(pthread_join(thread, NULL) == 0);
}

/* The signal is taken so many times, whenever it comes. */
static int comes(int signal, int times)
{
    sigset_t set = set_of(signal, 0), before;
    sigprocmask(SIG_BLOCK, &set, &before);
    while (taken < times)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return taken == times && last == signal;
}

static void accepted(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), before;
    struct timespec begin = after(CLOCK_MONOTONIC, 0), soon = {.tv_nsec = 4000000};
    siginfo_t found;
    int signal = 0;
    sigprocmask(SIG_BLOCK, &set, &before);
    CHECK(sigtimedwait(&set, &found, &soon) == -1 && errno == EAGAIN && since(begin) >= 4000);
    CHECK(sigtimedwait(&set, &found, &(struct timespec){.tv_nsec = -1}) == -1 && errno == EINVAL);
    taken = 0;
    pthread_t thread = start(send_some, (void *)SIGUSR2);
    CHECK(sigwaitinfo(&set, &found) == SIGUSR2 && found.si_signo == SIGUSR2 && found.si_code == SI_USER && found.si_pid == getpid());
    stop(thread);
    sigtimedwait(&set, &found, &(struct timespec){0});
    thread = start(send_some, (void *)SIGUSR1);
    CHECK(sigwait(&set, &signal) == 0 && signal == SIGUSR1 && taken == 0);
    stop(thread);
    sigtimedwait(&set, &found, &(struct timespec){0});
    CHECK(raise(SIGUSR2) == 0 && sigwait(&set, &signal) == 0 && signal == SIGUSR2 && taken == 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    act(SIGUSR1, count, 0);
    thread = start(send_some, (void *)SIGUSR1);
    sigemptyset(&set);
    CHECK(sigsuspend(&set) == -1 && errno == EINTR && taken > 0);
    CHECK(pause() == -1 && errno == EINTR && taken > 1);
    stop(thread);
}

/* What a signal ends, and what goes on after it. */
static void interrupted(void)
{
    struct timespec rest = {0}, begin;
    sem_t semaphore;
    pthread_t self = pthread_self(), thread;
    sem_init(&semaphore, 0, 0);
    for (int restarts = 0; restarts < 2; restarts++) {
        act(SIGUSR1, count, restarts ? SA_RESTART : 0);
        taken = 0;
        thread = start(send_to_main, &self);
        CHECK(nanosleep(&(struct timespec){.tv_sec = 9}, &rest) == -1 && errno == EINTR && taken > 0);
        CHECK(rest.tv_sec < 9 && rest.tv_sec > 0 && rest.tv_nsec > 0 && rest.tv_nsec < 1000000000);
        /* A wait until a time is not made again. */
        begin = after(CLOCK_MONOTONIC, 0);
        struct timespec end = after(CLOCK_REALTIME, 9000);
        CHECK(sem_timedwait(&semaphore, &end) == -1 && errno == EINTR && since(begin) < 8000000);
        taken = 0;
        pthread_t poster = restarts ? start(post_later, &semaphore) : self;
        const int result = sem_wait(&semaphore), error = errno;
        CHECK(restarts ? result == 0 && taken > 1 : result == -1 && error == EINTR && taken > 0);
        stop(thread);
        CHECK(!restarts || pthread_join(poster, NULL) == 0);
    }
    /* What is ignored ends nothing. */
    act(SIGUSR1, SIG_IGN, 0);
    begin = after(CLOCK_MONOTONIC, 0);
    thread = start(send_to_main, &self);
    CHECK(nanosleep(&(struct timespec){.tv_nsec = 12000000}, NULL) == 0 && since(begin) >= 12000);
    stop(thread);
    thread = start(send_some, (void *)SIGCHLD);
    CHECK(nanosleep(&(struct timespec){.tv_nsec = 12000000}, NULL) == 0);
    stop(thread);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000000}, NULL) == EINVAL);
}

static sigjmp_buf back;
static volatile uintptr_t stack_low, stack_high;

static void overflowed(int signal, siginfo_t *information, void *context)
{
    char here;
    (void)information;
    (void)context;
    last = signal;
    taken += (uintptr_t)&here - stack_low < stack_high - stack_low;
    siglongjmp(back, 1);
}

static int dive(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return here[0] > 100 ? 0 : dive(here) + here[0];
}

static void *overflow(void *argument)
{
    (void)argument;
    stack_t stack = {.ss_sp = malloc(16384), .ss_size = 16384}, is;
    char first = 0;
    CHECK(sigaltstack(NULL, &is) == 0 && is.ss_flags == SS_DISABLE);
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaltstack(NULL, &is) == 0);
    CHECK(is.ss_flags == 0 && is.ss_sp == stack.ss_sp && is.ss_size == stack.ss_size);
    stack_low = (uintptr_t)stack.ss_sp;
    stack_high = stack_low + stack.ss_size;
    taken = 0;
    for (int i = 1; i <= 2; i++) {
        if (!sigsetjmp(back, 1))
            dive(&first);
        CHECK(taken == i && last == SIGSEGV);
    }
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaltstack(NULL, &is) == 0 && is.ss_flags == SS_DISABLE);
    free((void *)stack_low);
    return NULL;
}

static volatile int flags_inside, change_inside;

static void look_inside(int signal)
{
    stack_t is;
    count(signal);
    handler_stack = __builtin_frame_address(0);
    sigaltstack(NULL, &is);
    flags_inside = is.ss_flags;
    is.ss_flags = 0;
    change_inside = sigaltstack(&is, NULL) ? errno : 0;
}

static void stacks(void)
{
    static char memory[32768];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    CHECK(sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = 16}, NULL) == -1 && errno == ENOMEM);
    CHECK(sigaltstack(&stack, NULL) == 0);
    act(SIGUSR1, look_inside, SA_ONSTACK);
    CHECK(raise(SIGUSR1) == 0 && handler_stack >= memory && handler_stack < memory + sizeof memory);
    CHECK(flags_inside == SS_ONSTACK && change_inside == EPERM);
    act(SIGUSR1, look_inside, 0);
    CHECK(raise(SIGUSR1) == 0 && (handler_stack < memory || handler_stack >= memory + sizeof memory));
    CHECK(flags_inside == 0 && change_inside == 0);
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_sigaction = overflowed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    CHECK(pthread_create(&thread, &attributes, overflow, NULL) == 0 && pthread_join(thread, NULL) == 0);
    act(SIGSEGV, SIG_DFL, 0);
}

static void wait_for(int times, long milliseconds)
{
    for (long i = 0; i < milliseconds && taken < times; i++)
        nap(1);
}

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

static void notify(union sigval with)
{
    value = with.sival_int;
    taken++;
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
    wait_for(6, 2000);
    CHECK(taken >= 6 && value == 9 && timer_delete(other) == 0 && timer_delete(timer) == 0);
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

static volatile long taker;

static void note(int signal)
{
    count(signal);
    taker = gettid();
}

static void *be_taken(void *argument)
{
    sigset_t none;
    sigemptyset(&none);
    *(volatile long *)argument = gettid();
    sigset_t set = set_of(SIGUSR1, 0);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigsuspend(&none);
    return NULL;
}

/* A signal to the process goes to a thread that takes it. */
static void whose(void)
{
    sigset_t set = set_of(SIGUSR1, 0);
    long other = 0;
    pthread_t thread;
    act(SIGUSR1, note, 0);
    taken = 0;
    CHECK(pthread_create(&thread, NULL, be_taken, &other) == 0);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    while (!*(volatile long *)&other)
        nap(1);
    nap(2);
    CHECK(kill(getpid(), SIGUSR1) == 0 && pthread_join(thread, NULL) == 0 && taken == 1 && taker == other);
    CHECK(kill(getpid(), SIGUSR1) == 0 && taken == 1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    CHECK(taken == 2 && taker == gettid());
}

int main(void)
{
    no_signal();
    ignored();
    kept_off();
    flags();
    with_values();
    accepted();
    interrupted();
    stacks();
    alarms();
    timers();
    run_times();
    whose();
    return checks_finish("signals");
}
