/* Signals: alternate stacks, masks, what a handler returns to. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subject.h"

static char stack[65536];
static volatile sig_atomic_t count, was_on_stack;

static void look_at_stack(int number)
{
    char here;
    stack_t now;
    (void)number;
    count++;
    was_on_stack = &here >= stack && &here < stack + sizeof stack;
    if (sigaltstack(0, &now) || !(now.ss_flags & SS_ONSTACK))
        count = 100;
    errno = 0;
    if (sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, 0) != -1 || errno != EPERM)
        count = 200;
}

static void other_stack(void)
{
    stack_t now = {0}, wanted = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = look_at_stack, .sa_flags = SA_ONSTACK}, old;
    count = was_on_stack = 0;
    HOLDS(!sigaltstack(0, &now) && now.ss_flags & SS_DISABLE);
    errno = 0;
    wanted.ss_size = 1000;
    HOLDS(sigaltstack(&wanted, 0) == -1 && errno == ENOMEM);
    errno = 0;
    wanted.ss_size = sizeof stack, wanted.ss_flags = -2;
    HOLDS(sigaltstack(&wanted, 0) == -1 && errno == EINVAL);
    wanted.ss_flags = 0;
    HOLDS(!sigaltstack(&wanted, 0));
    HOLDS(!sigaltstack(0, &now) && now.ss_sp == stack && now.ss_size == sizeof stack && !now.ss_flags);
    HOLDS(!sigaction(SIGUSR1, &action, &old));
    HOLDS(!raise(SIGUSR1) && count == 1 && was_on_stack);
    action.sa_flags = 0, action.sa_handler = SIG_IGN;
    HOLDS(!sigaction(SIGUSR1, &action, 0) && !raise(SIGUSR1) && count == 1);
    wanted.ss_flags = SS_DISABLE;
    HOLDS(!sigaltstack(&wanted, 0));
    HOLDS(!sigaltstack(0, &now) && now.ss_flags & SS_DISABLE);
    sigaction(SIGUSR1, &old, 0);
}

static sigjmp_buf place;
static void leave(int number)
{
    (void)number;
    count++;
    siglongjmp(place, 1);
}

/* A stack that is full is no place for its own handler. */
static __attribute__((noinline)) int deeper(volatile char *before)
{
    volatile char more[4000];
    more[0] = before ? *before : 0;
    return deeper(more) + more[0];
}

static void *overflow(void *argument)
{
    static char own[65536];
    (void)argument;
    sigaltstack(&(stack_t){.ss_sp = own, .ss_size = sizeof own}, 0);
    if (!sigsetjmp(place, 1))
        deeper(0);
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, 0);
    return 0;
}

static void full_stack(void)
{
    struct sigaction action = {.sa_handler = leave, .sa_flags = SA_ONSTACK}, old, old_bus;
    pthread_t thread;
    count = 0;
    sigaction(SIGSEGV, &action, &old);
    sigaction(SIGBUS, &action, &old_bus);
    HOLDS(!pthread_create(&thread, 0, overflow, 0));
    HOLDS(!pthread_join(thread, 0) && count == 1);
    sigaction(SIGSEGV, &old, 0);
    sigaction(SIGBUS, &old_bus, 0);
}

static void internal_signals(void)
{
    sigset_t all, now, before;
    sigprocmask(SIG_SETMASK, 0, &before);
    sigfillset(&all);
    HOLDS(!sigprocmask(SIG_SETMASK, &all, 0));
    HOLDS(!sigprocmask(SIG_SETMASK, 0, &now));
    HOLDS(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP) && sigismember(&now, SIGTERM));
    HOLDS(sigismember(&now, 32) <= 0 && sigismember(&now, 33) <= 0);
    HOLDS(sigaddset(&now, 0) == -1 && sigaddset(&now, 200) == -1);
    errno = 0;
    HOLDS(sigprocmask(99, &all, 0) == -1 && errno == EINVAL);
    HOLDS(!sigprocmask(99, 0, &now));
    HOLDS(!sigprocmask(SIG_SETMASK, &before, 0));
    HOLDS(sigaction(SIGKILL, &(struct sigaction){.sa_handler = leave}, 0) == -1 && errno == EINVAL);
    HOLDS(SIGRTMIN > 33 && SIGRTMAX >= SIGRTMIN + 8);
    HOLDS(!strcmp(strsignal(SIGSEGV), "Segmentation fault"));
}

static void count_one(int number)
{
    (void)number;
    count++;
}

/* Registers are as they were, behind each of many handlers. */
static void returns(void)
{
    struct sigaction action = {.sa_handler = count_one}, old;
    count = 0;
    sigaction(SIGUSR2, &action, &old);
    double real = 1;
    uint64_t mixed = 1;
    for (int i = 0; i < 200; i++) {
        real = real * 1.0625 / 1.03125;
        mixed = mixed * 6364136223846793005u + 1442695040888963407u;
        if (raise(SIGUSR2))
            count = 1000;
    }
    HOLDS(count == 200);
    note("%a %lx ", real, mixed);
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR2, &action, 0);
    struct sigaction now;
    HOLDS(!raise(SIGUSR2) && count == 201 && !sigaction(SIGUSR2, &old, &now) && now.sa_handler == SIG_DFL);
}

static siginfo_t seen;
static void see(int number, siginfo_t *information, void *context)
{
    seen = *information;
    count += number && context;
}

static void *raise_many(void *argument)
{
    for (int i = 0; i < 100; i++)
        if (raise(SIGUSR1))
            return (void *)1;
    return argument;
}

static void races(void)
{
    pthread_t threads[4];
    struct sigaction action = {.sa_handler = count_one}, old;
    sigset_t set, pending;
    count = 0;
    sigaction(SIGUSR1, &action, &old);
    for (int i = 0; i < 4; i++)
        HOLDS(!pthread_create(&threads[i], 0, raise_many, 0));
    for (int i = 0; i < 4; i++) {
        void *result = &result;
        HOLDS(!pthread_join(threads[i], &result) && !result);
    }
    HOLDS(count > 0 && count <= 400);
    action = (struct sigaction){.sa_sigaction = see, .sa_flags = SA_SIGINFO};
    count = 0;
    sigaction(SIGUSR1, &action, 0);
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    HOLDS(!pthread_sigmask(SIG_BLOCK, &set, 0) && !raise(SIGUSR1) && !count);
    HOLDS(!sigpending(&pending) && sigismember(&pending, SIGUSR1) == 1 && !sigismember(&pending, SIGUSR2));
    HOLDS(!pthread_sigmask(SIG_UNBLOCK, &set, 0) && count == 1 && seen.si_signo == SIGUSR1);
    HOLDS(seen.si_code == SI_TKILL && seen.si_pid == getpid());
    HOLDS(!kill(getpid(), SIGUSR1) && count == 2 && seen.si_code == SI_USER);
    HOLDS(!kill(getpid(), 0) && count == 2);
    sigaction(SIGUSR1, &old, 0);
}

const struct subject signal_subjects[] = {
    {"sigaltstack", other_stack}, {"sigaltstack-overflow", full_stack, 1}, {"sigprocmask-internal", internal_signals},
    {"sigreturn", returns}, {"raise-race", races}, {0, 0}};
