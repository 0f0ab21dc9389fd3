/* Threads that are interrupted: cancellation, signals, faults; and owners of locks that die, or inherit. What POSIX says: the same
 * program runs on the development machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

#define THREADS 8
#define ROUNDS 500

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counted;

static volatile int cleaned, stage, signals[3];
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void clean(void *argument)
{
    cleaned += (int)(uintptr_t)argument;
}

static void *sleep_long(void *argument)
{
    pthread_cleanup_push(clean, argument);
    stage = 1;
    for (;;)
        nap(900);
    pthread_cleanup_pop(0);
    return NULL;
}

static void give_back(void *lock)
{
    pthread_mutex_unlock(lock);
}

static void *wait_long(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&held);
    pthread_cleanup_push(give_back, &held);
    stage = 1;
    for (;;)
        pthread_cond_wait(&condition, &held);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *wait_for_semaphore(void *argument)
{
    sem_t never;
    sem_init(&never, 0, 0);
    stage = 1;
    sem_wait(&never);
    return argument;
}

static void *refuse(void *argument)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    stage = 1;
    while (stage != 2)
        sched_yield();
    nap(1);
    pthread_testcancel();
    cleaned += 100;
    pthread_setcancelstate(before, NULL);
    pthread_testcancel();
    cleaned += 1000;
    return argument;
}

static void *spin_for_ever(void *argument)
{
    (void)argument;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(clean, (void *)7);
    stage = 1;
    for (;;)
        __asm__ volatile("");
    pthread_cleanup_pop(0);
    return NULL;
}

static void *work_then_wait(void *argument)
{
    stage = 1;
    while (stage != 2)
        __asm__ volatile(""); /* it is cancelled here, and waits later */
    return wait_for_semaphore(argument);
}

static void *join_for_ever(void *other)
{
    stage = 1;
    pthread_join(*(pthread_t *)other, NULL);
    return NULL;
}

static void cancel(void *(*begin)(void *), void *argument, int go_on)
{
    pthread_t thread;
    void *result = NULL;
    stage = 0;
    CHECK(pthread_create(&thread, NULL, begin, argument) == 0);
    while (stage != 1)
        sched_yield();
    nap(1);
    CHECK(pthread_cancel(thread) == 0);
    if (go_on)
        stage = 2;
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

static void check_cancellation(void)
{
    pthread_t self = pthread_self();
    cancel(sleep_long, (void *)3, 0);
    CHECK(cleaned == 3);
    cancel(wait_long, NULL, 0);
    CHECK(pthread_mutex_trylock(&held) == 0 && pthread_mutex_unlock(&held) == 0);
    cancel(wait_for_semaphore, NULL, 0);
    cancel(refuse, NULL, 1);
    CHECK(cleaned == 103);
    cancel(spin_for_ever, NULL, 0);
    CHECK(cleaned == 110);
    cancel(work_then_wait, NULL, 1);
    cancel(join_for_ever, &self, 0);
}

static void count_signal(int signal, siginfo_t *information, void *context)
{
    (void)context;
    signals[0] += signal == SIGUSR1 && information->si_signo == signal;
    signals[1] += signal == SIGUSR2;
    if (signal == SIGUSR1)
        raise(SIGUSR2); /* it is masked until this returns */
    signals[2] += signal == SIGUSR1 && signals[1] == 0;
}

static sigjmp_buf again;
static void *volatile fault_place;

static void catch_fault(int signal, siginfo_t *information, void *context)
{
    (void)context;
    fault_place = information->si_addr;
    siglongjmp(again, signal);
}

static void *wait_for_signal(void *argument)
{
    (void)argument;
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, SIGUSR1);
    stage = 1;
    return (void *)(uintptr_t)(sigsuspend(&set) == -1 && errno == EINTR);
}

static double half = 0.5;
static volatile int *volatile nowhere = (volatile int *)0x40;

static void check_signals(void)
{
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO}, before;
    sigset_t set, old;
    pthread_t thread;
    void *result;
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGUSR2, &action, &before) == 0 && before.sa_handler == SIG_DFL);
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR1, NULL, &before) == 0);
    CHECK(before.sa_sigaction == count_signal && sigismember(&before.sa_mask, SIGUSR2));
    const double kept = half * 3;
    CHECK(raise(SIGUSR1) == 0 && signals[0] == 1 && signals[1] == 1 && signals[2] == 1 && kept == 1.5);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0 && !sigismember(&old, SIGUSR2));
    raise(SIGUSR2);
    CHECK(signals[1] == 1);
    CHECK(pthread_sigmask(SIG_SETMASK, &old, &set) == 0 && sigismember(&set, SIGUSR2) && signals[1] == 2);
    signal(SIGUSR2, SIG_IGN);
    CHECK(raise(SIGUSR2) == 0 && signals[1] == 2 && kill(getpid(), 0) == 0);
    stage = 0;
    pthread_create(&thread, NULL, wait_for_signal, NULL);
    while (stage != 1)
        sched_yield();
    nap(1);
    CHECK(pthread_kill(thread, SIGUSR1) == 0 && pthread_join(thread, &result) == 0 && result);
    CHECK(signals[0] == 2);
    action = (struct sigaction){.sa_sigaction = catch_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    int caught = sigsetjmp(again, 1);
    if (!caught)
        *nowhere = 1;
    CHECK(caught == SIGSEGV && fault_place == (void *)0x40);
    caught = sigsetjmp(again, 1);
    volatile int zero = 0;
    if (!caught)
        zero = 700 / zero;
    CHECK(caught == SIGFPE);
}

/* Owners that die, and owners that inherit. */

static pthread_mutex_t robust;

static void *die_with_lock(void *argument)
{
    pthread_mutex_lock(&robust);
    return argument;
}

static void *take_and_give(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(argument);
        const long before = counted;
        if (i % 16 == 0)
            sched_yield();
        counted = before + 1;
        pthread_mutex_unlock(argument);
    }
    return NULL;
}

static void check_owners(void)
{
    pthread_mutexattr_t attributes;
    pthread_t threads[THREADS];
    pthread_mutex_t inheriting;
    pthread_mutexattr_init(&attributes);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 && pthread_mutex_init(&robust, &attributes) == 0);
    pthread_create(&threads[0], NULL, die_with_lock, NULL);
    pthread_join(threads[0], NULL);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD && pthread_mutex_consistent(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0 && pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
    pthread_create(&threads[0], NULL, die_with_lock, NULL);
    pthread_join(threads[0], NULL);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD && pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_lock(&robust) == ENOTRECOVERABLE);
    pthread_mutexattr_init(&attributes);
    CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    CHECK(pthread_mutex_init(&inheriting, &attributes) == 0);
    CHECK(pthread_mutex_lock(&inheriting) == 0 && pthread_mutex_lock(&inheriting) == EDEADLK && tries(&inheriting) == 2);
    CHECK(pthread_mutex_unlock(&inheriting) == 0 && pthread_mutex_unlock(&inheriting) == EPERM);
    counted = 0;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, take_and_give, &inheriting);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(counted == THREADS * (ROUNDS) && pthread_mutex_destroy(&inheriting) == 0);
}

int main(void)
{
    check_cancellation();
    check_signals();
    check_owners();
    return checks_finish("interrupts");
}
