/* Handlers that keep what they were called with: for signals.c and timers.c. */
#ifndef SIGNALS_H
#define SIGNALS_H
#include <signal.h>
#include <time.h>

#include "check.h"
#include "threads.h"

static volatile sig_atomic_t taken, last;
static volatile int code, value;
static volatile long sender;

static inline void count(int signal)
{
    taken++;
    last = signal;
}

static inline void keep(int signal, siginfo_t *information, void *context)
{
    (void)context;
    count(signal);
    code = information->si_code;
    value = information->si_value.sival_int;
    sender = information->si_pid;
}

static inline void act(int signal, void (*plain)(int), int flags)
{
    struct sigaction action = {.sa_handler = plain, .sa_flags = flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static inline void act_with(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = keep, .sa_flags = flags | SA_SIGINFO};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static inline sigset_t set_of(int first, int second)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    if (second)
        sigaddset(&set, second);
    return set;
}

static inline long since(struct timespec start)
{
    const struct timespec now = after(CLOCK_MONOTONIC, 0);
    return (now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000;
}

/* The signal is taken so many times, whenever it comes. */
static inline int comes(int signal, int times)
{
    sigset_t set = set_of(signal, 0), before;
    sigprocmask(SIG_BLOCK, &set, &before);
    while (taken < times)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return taken == times && last == signal;
}
#endif
