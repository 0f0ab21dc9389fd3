#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

#include "subject.h"

static __thread long local = 5, zeroed;
static __thread char aligned __attribute__((aligned(64))) = 1;

static void *use_local(void *argument)
{
    local += (long)argument;
    zeroed++;
    return (void *)(local * 10 + zeroed + ((uintptr_t)&aligned % 64 != 0) * 1000);
}

static void locals(void)
{
    pthread_t threads[3];
    void *results[3];
    local = 100;
    for (long i = 0; i < 3; i++)
        note("%d", pthread_create(&threads[i], 0, use_local, (void *)i));
    for (int i = 0; i < 3; i++) {
        note("%d", pthread_join(threads[i], &results[i]));
        note(" %ld ", (long)results[i]);
    }
    note("%ld %ld", local, zeroed);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turn, counted;

static void *take_turns(void *argument)
{
    for (int i = 0; i < 20; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != (int)(long)argument)
            pthread_cond_wait(&condition, &mutex);
        counted++;
        turn = !turn;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

static void conditions(void)
{
    pthread_t one, two;
    turn = counted = 0;
    pthread_create(&one, 0, take_turns, (void *)0);
    pthread_create(&two, 0, take_turns, (void *)1);
    pthread_join(one, 0);
    pthread_join(two, 0);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    pthread_mutex_lock(&mutex);
    note("%d ", counted);
    note("%d", pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static void mutexes(void)
{
    pthread_mutexattr_t kind;
    pthread_mutex_t other;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&other, &kind);
    note("%d ", pthread_mutex_lock(&other));
    note("%d ", pthread_mutex_lock(&other) == EDEADLK);
    note("%d ", pthread_mutex_unlock(&other));
    note("%d ", pthread_mutex_unlock(&other) == EPERM);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&other, &kind);
    note("%d ", pthread_mutex_lock(&other));
    note("%d ", pthread_mutex_lock(&other));
    note("%d ", pthread_mutex_unlock(&other));
    note("%d ", pthread_mutex_unlock(&other));
    pthread_mutex_lock(&mutex);
    note("%d", pthread_mutex_trylock(&mutex) == EBUSY);
    pthread_mutex_unlock(&mutex);
}

static int destroyed;
static pthread_key_t key;
static void destroy(void *value)
{
    destroyed += (int)(long)value;
}

static void *use_key(void *argument)
{
    pthread_setspecific(key, argument);
    return pthread_getspecific(key);
}

static void keys(void)
{
    pthread_t thread;
    void *result;
    destroyed = 0;
    note("%d ", pthread_key_create(&key, destroy));
    pthread_create(&thread, 0, use_key, (void *)7L);
    pthread_join(thread, &result);
    note("%ld ", (long)result);
    note("%d ", destroyed);
    note("%d", pthread_getspecific(key) == 0);
    pthread_key_delete(key);
}

static sem_t semaphore;
static void *post(void *argument)
{
    (void)argument;
    sem_post(&semaphore);
    return 0;
}

static void semaphores(void)
{
    pthread_t thread;
    int value;
    sem_init(&semaphore, 0, 1);
    note("%d ", sem_wait(&semaphore));
    errno = 0;
    note("%d ", sem_trywait(&semaphore));
    note("%d ", errno == EAGAIN);
    pthread_create(&thread, 0, post, 0);
    note("%d ", sem_wait(&semaphore));
    pthread_join(thread, 0);
    sem_getvalue(&semaphore, &value);
    note("%d", value);
}

static int once_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void count_once(void)
{
    once_count++;
}

static void *end_early(void *argument)
{
    pthread_exit(argument);
}

static void onces(void)
{
    pthread_t thread;
    void *result;
    once_count = 0;
    once = (pthread_once_t)PTHREAD_ONCE_INIT;
    pthread_once(&once, count_once);
    pthread_once(&once, count_once);
    pthread_create(&thread, 0, end_early, (void *)9L);
    pthread_join(thread, &result);
    pthread_barrier_t barrier;
    note("%d ", once_count);
    note("%ld ", (long)result);
    note("%d ", pthread_barrier_init(&barrier, 0, 1));
    note("%d", pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void *wait_for_ever(void *argument)
{
    (void)argument;
    pthread_cleanup_push(destroy, (void *)3L);
    for (;;) {
        struct timespec pause = {1, 0};
        nanosleep(&pause, 0);
    }
    pthread_cleanup_pop(0);
    return 0;
}

static void cancels(void)
{
    pthread_t thread;
    void *result = 0;
    destroyed = 0;
    note("%d ", pthread_create(&thread, 0, wait_for_ever, 0));
    note("%d ", pthread_cancel(thread));
    note("%d ", pthread_join(thread, &result));
    note("%d %d", result == PTHREAD_CANCELED, destroyed);
}

static void locks(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    note("%d ", pthread_rwlock_rdlock(&lock));
    note("%d ", pthread_rwlock_tryrdlock(&lock));
    note("%d ", pthread_rwlock_trywrlock(&lock) == EBUSY);
    note("%d ", pthread_rwlock_unlock(&lock));
    note("%d ", pthread_rwlock_unlock(&lock));
    note("%d ", pthread_rwlock_wrlock(&lock));
    note("%d", pthread_rwlock_unlock(&lock));
}

const struct subject thread_subjects[] = {
    {"tls_local_exec", locals}, {"pthread_cond", conditions}, {"pthread_mutex", mutexes}, {"pthread_tsd", keys},
    {"sem_init", semaphores}, {"pthread_once", onces}, {"pthread_rwlock", locks}, {"pthread_cancel", cancels}, {0, 0}};
