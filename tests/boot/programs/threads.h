/* Times, and a mutex from another thread's side: for threads.c and threads_interrupts.c. */
#ifndef THREADS_H
#define THREADS_H
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define MILLISECOND 1000000l

static inline struct timespec after(clockid_t clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * MILLISECOND;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static inline int is_past(clockid_t clock, struct timespec when)
{
    struct timespec now = after(clock, 0);
    return now.tv_sec > when.tv_sec || (now.tv_sec == when.tv_sec && now.tv_nsec >= when.tv_nsec);
}

static inline void nap(long milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * MILLISECOND}, NULL);
}

static inline void *try_lock(void *lock)
{
    const struct timespec soon = after(CLOCK_REALTIME, 3);
    if (pthread_mutex_trylock(lock) != EBUSY || pthread_mutex_timedlock(lock, &soon) != ETIMEDOUT || !is_past(CLOCK_REALTIME, soon))
        return NULL;
    return (void *)(intptr_t)(pthread_mutex_unlock(lock) == EPERM ? 2 : 1);
}

/* 2: it is held, and another thread may not give it back. */
static inline int tries(pthread_mutex_t *lock)
{
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, try_lock, lock);
    pthread_join(thread, &result);
    return (int)(intptr_t)result;
}
#endif
