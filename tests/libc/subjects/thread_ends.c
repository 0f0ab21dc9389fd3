/* Threads that are cancelled, end and wait, where libraries were wrong once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"

static sem_t ready, never;
static int cleaned;

static void clean(void *value)
{
    cleaned += (int)(long)value;
}

static struct timespec in(long milliseconds, clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void *cancelled(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    void *result = 0;
    cleaned = 0;
    sem_init(&ready, 0, 0);
    sem_init(&never, 0, 0);
    HOLDS(!pthread_create(&thread, 0, run, argument));
    sem_wait(&ready);
    HOLDS(!pthread_cancel(thread));
    HOLDS(!pthread_join(thread, &result));
    return result;
}

static void *wait_at_semaphore(void *argument)
{
    pthread_cleanup_push(clean, (void *)1L);
    sem_post(&ready);
    while (sem_wait(&never) && argument)
        ;
    pthread_cleanup_pop(0);
    return 0;
}

static void *wait_at_free_semaphore(void *argument)
{
    sem_t *two = argument;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    sem_post(&ready);
    sem_wait(two);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    sem_wait(two); /* it could be had: cancelled all the same */
    return 0;
}

static void cancel_at_semaphore(void)
{
    HOLDS(cancelled(wait_at_semaphore, 0) == PTHREAD_CANCELED);
    HOLDS(cleaned == 1);
    int value = -1;
    HOLDS(!sem_getvalue(&never, &value) && value == 0);
    pthread_t thread;
    void *result = 0;
    sem_t two;
    sem_init(&ready, 0, 0);
    sem_init(&two, 0, 0);
    pthread_create(&thread, 0, wait_at_free_semaphore, &two);
    sem_wait(&ready);
    HOLDS(!pthread_cancel(thread));
    sem_post(&two), sem_post(&two);
    HOLDS(!pthread_join(thread, &result) && result == PTHREAD_CANCELED);
    HOLDS(!sem_getvalue(&two, &value) && value == 1);
}

static void *sleep_long(void *argument)
{
    sem_post(&ready);
    struct timespec pause = {100, 0};
    nanosleep(&pause, 0);
    return argument;
}

static void *wait_at_condition(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push((void (*)(void *))pthread_mutex_unlock, &mutex);
    sem_post(&ready);
    pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
    return argument;
}

static void *wait_for_time(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push((void (*)(void *))pthread_mutex_unlock, &mutex);
    sem_post(&ready);
    struct timespec later = in(100000, CLOCK_REALTIME);
    pthread_cond_timedwait(&condition, &mutex, &later);
    pthread_cleanup_pop(1);
    return argument;
}

static void *wait_for_thread(void *argument)
{
    pthread_t thread;
    pthread_create(&thread, 0, sleep_long, 0);
    *(pthread_t *)argument = thread;
    sem_wait(&ready);
    sem_post(&ready);
    pthread_join(thread, 0);
    return 0;
}

static void *timed_semaphore(void *argument)
{
    struct timespec later = in(100000, CLOCK_REALTIME);
    sem_post(&ready);
    sem_timedwait(&never, &later);
    return argument;
}

static void *test_only(void *argument)
{
    sem_post(&ready);
    for (;;)
        pthread_testcancel(), sched_yield();
    return argument;
}

static void *open_files(void *argument)
{
    sem_post(&ready);
    for (;;)
        close(open("/tmp", O_RDONLY | O_DIRECTORY));
    return argument;
}

static void *spin(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
    sem_post(&ready);
    for (;;)
        ;
    return argument;
}

static void cancel_points(void)
{
    pthread_t left;
    HOLDS(cancelled(sleep_long, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(wait_at_condition, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(wait_at_condition, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(wait_for_time, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(timed_semaphore, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(test_only, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(open_files, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(spin, 0) == PTHREAD_CANCELED);
    HOLDS(cancelled(wait_for_thread, &left) == PTHREAD_CANCELED);
    HOLDS(!pthread_cancel(left) && !pthread_join(left, 0));
}

static void *refuse(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, 0);
    sem_post(&ready);
    pthread_mutex_lock(&mutex);
    struct timespec later = in(20, CLOCK_REALTIME);
    long error = 0;
    while (!error)
        error = pthread_cond_timedwait(&condition, &mutex, &later);
    pthread_mutex_unlock(&mutex);
    (void)argument;
    return (void *)error;
}

static void ignored_cancel(void)
{
    HOLDS(cancelled(refuse, 0) == (void *)ETIMEDOUT);
}

#define SMASHERS 16
static struct smasher {
    pthread_cond_t condition;
    pthread_mutex_t mutex;
    int waiting, is_over;
} *smashed;

static void *wait_once(void *argument)
{
    struct smasher *of = argument;
    pthread_mutex_lock(&of->mutex);
    of->waiting++;
    while (!of->is_over)
        pthread_cond_wait(&of->condition, &of->mutex);
    of->waiting--;
    pthread_mutex_unlock(&of->mutex);
    return 0;
}

/* A thread that is woken touches the condition no more: it may go. */
static void smash(void)
{
    pthread_t threads[SMASHERS];
    for (int round = 0; round < 4; round++) {
        smashed = malloc(sizeof *smashed);
        smashed->waiting = smashed->is_over = 0;
        pthread_cond_init(&smashed->condition, 0);
        pthread_mutex_init(&smashed->mutex, 0);
        for (int i = 0; i < SMASHERS; i++)
            HOLDS(!pthread_create(&threads[i], 0, wait_once, smashed));
        pthread_mutex_lock(&smashed->mutex);
        while (smashed->waiting < SMASHERS) {
            pthread_mutex_unlock(&smashed->mutex);
            sched_yield();
            pthread_mutex_lock(&smashed->mutex);
        }
        smashed->is_over = 1;
        pthread_cond_broadcast(&smashed->condition);
        pthread_mutex_unlock(&smashed->mutex);
        HOLDS(!pthread_cond_destroy(&smashed->condition));
        memset(&smashed->condition, 0x55, sizeof smashed->condition);
        for (int i = 0; i < SMASHERS; i++)
            HOLDS(!pthread_join(threads[i], 0));
        free(smashed);
    }
}

static void clock_of_condition(void)
{
    pthread_condattr_t kind;
    pthread_cond_t condition;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    clockid_t clock = -1;
    HOLDS(!pthread_condattr_init(&kind));
    HOLDS(!pthread_condattr_getclock(&kind, &clock) && clock == CLOCK_REALTIME);
    HOLDS(pthread_condattr_setclock(&kind, CLOCK_PROCESS_CPUTIME_ID) == EINVAL);
    HOLDS(pthread_condattr_setclock(&kind, (clockid_t)-7) == EINVAL);
    HOLDS(!pthread_condattr_setclock(&kind, CLOCK_MONOTONIC));
    HOLDS(!pthread_condattr_getclock(&kind, &clock) && clock == CLOCK_MONOTONIC);
    HOLDS(!pthread_cond_init(&condition, &kind));
    struct timespec later = in(5, CLOCK_MONOTONIC), now;
    pthread_mutex_lock(&mutex);
    HOLDS(pthread_cond_timedwait(&condition, &mutex, &later) == ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &now);
    HOLDS(now.tv_sec > later.tv_sec || (now.tv_sec == later.tv_sec && now.tv_nsec >= later.tv_nsec));
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&condition);
    pthread_condattr_destroy(&kind);
}

static pthread_key_t key;
static pthread_once_t again;
static sem_t begun;

static void wait_in_once(void)
{
    sem_post(&begun);
    struct timespec pause = {100, 0};
    nanosleep(&pause, 0);
}

static void count_in_once(void)
{
    cleaned += 100;
}

static void *run_once(void *argument)
{
    pthread_once(&again, argument);
    return 0;
}

static void once_after_cancel(void)
{
    pthread_t one, two;
    void *result = 0;
    again = (pthread_once_t)PTHREAD_ONCE_INIT;
    cleaned = 0;
    sem_init(&begun, 0, 0);
    HOLDS(!pthread_create(&one, 0, run_once, wait_in_once));
    sem_wait(&begun);
    HOLDS(!pthread_create(&two, 0, run_once, count_in_once));
    sched_yield();
    HOLDS(!pthread_cancel(one));
    HOLDS(!pthread_join(one, &result) && result == PTHREAD_CANCELED);
    HOLDS(!pthread_join(two, 0) && cleaned == 100);
    HOLDS(!pthread_once(&again, count_in_once) && cleaned == 100);
}

static void busy_locks(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    struct timespec past = {1, 0};
    HOLDS(!pthread_rwlock_wrlock(&lock));
    HOLDS(pthread_rwlock_tryrdlock(&lock) == EBUSY);
    HOLDS(pthread_rwlock_trywrlock(&lock) == EBUSY);
    HOLDS(!pthread_rwlock_unlock(&lock));
    HOLDS(!pthread_rwlock_rdlock(&lock) && !pthread_rwlock_rdlock(&lock));
    HOLDS(pthread_rwlock_trywrlock(&lock) == EBUSY);
    HOLDS(pthread_rwlock_timedwrlock(&lock, &past) == ETIMEDOUT);
    HOLDS(!pthread_rwlock_unlock(&lock) && pthread_rwlock_trywrlock(&lock) == EBUSY);
    HOLDS(!pthread_rwlock_unlock(&lock) && !pthread_rwlock_trywrlock(&lock));
    HOLDS(!pthread_rwlock_unlock(&lock) && !pthread_rwlock_destroy(&lock));
}

static void test_in_cleanup(void *argument)
{
    cleaned++;
    pthread_testcancel();
    struct timespec pause = {0, 1000};
    nanosleep(&pause, 0);
    cleaned += (int)(long)argument;
}

/* A thread that exits is cancelled no more. */
static void *exit_when_cancelled(void *argument)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, 0);
    pthread_cleanup_push(test_in_cleanup, (void *)10L);
    sem_post(&ready);
    sem_wait(&never);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, 0);
    pthread_exit(argument);
    pthread_cleanup_pop(0);
    return 0;
}

static void exit_while_cancelled(void)
{
    pthread_t thread;
    void *result = 0;
    cleaned = 0;
    sem_init(&ready, 0, 0);
    sem_init(&never, 0, 0);
    HOLDS(!pthread_create(&thread, 0, exit_when_cancelled, (void *)7L));
    sem_wait(&ready);
    HOLDS(!pthread_cancel(thread));
    sem_post(&never);
    HOLDS(!pthread_join(thread, &result) && result == (void *)7L && cleaned == 11);
}

static void destroy(void *value)
{
    cleaned += (int)(long)value;
    if ((long)value > 1)
        pthread_setspecific(key, (void *)((long)value - 1));
}

static void *exit_with_key(void *argument)
{
    pthread_setspecific(key, argument);
    pthread_exit((void *)5L);
}

static void keys_at_exit(void)
{
    pthread_t thread;
    void *result = 0;
    cleaned = 0;
    HOLDS(!pthread_key_create(&key, destroy));
    HOLDS(!pthread_create(&thread, 0, exit_with_key, (void *)3L));
    HOLDS(!pthread_join(thread, &result) && result == (void *)5L);
    HOLDS(cleaned == 6);
    HOLDS(!pthread_key_delete(key));
}

/* The first thread may end before others; the last one's end is the program's. */
static void *outlive(void *argument)
{
    pthread_join(*(pthread_t *)argument, 0);
    printf("pthread_exit-dtor: outlived, %d\n", cleaned);
    fflush(stdout);
    exit(0);
}

static void first_thread_ends(void)
{
    static pthread_t first;
    pthread_t thread;
    first = pthread_self();
    pthread_key_create(&key, clean);
    pthread_setspecific(key, (void *)1L);
    pthread_create(&thread, 0, outlive, &first);
    pthread_exit(0);
}

const struct subject thread_end_subjects[] = {
    {"pthread_cancel-sem_wait", cancel_at_semaphore}, {"pthread_cancel-points", cancel_points},
    {"pthread_cond_wait-cancel_ignored", ignored_cancel}, {"pthread_cond-smasher", smash},
    {"pthread_condattr_setclock", clock_of_condition}, {"pthread_once-deadlock", once_after_cancel},
    {"pthread_rwlock-ebusy", busy_locks}, {"pthread_exit-cancel", exit_while_cancelled}, {"pthread_keys-at-exit", keys_at_exit},
    {"pthread_exit-dtor", first_thread_ends, 1}, {0, 0}};
