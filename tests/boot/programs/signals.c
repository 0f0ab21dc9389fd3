/* Signals within a process, by what POSIX says. The same program runs on the development machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

static volatile sig_atomic_t nested;
static volatile int deepest;
static char *volatile handler_stack;

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
    whose();
    return checks_finish("signals");
}
