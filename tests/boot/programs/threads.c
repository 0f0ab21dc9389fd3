/* POSIX threads, by what POSIX says of them; threads_interrupts.c has the rest. The same program runs on the development machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

#define THREADS 8
#define ROUNDS 2000

/* Begin and end. */

static __thread int local = 41, *where;
static __thread char zeroed[300];
static int *places[THREADS];

static void *answer(void *argument)
{
    const uintptr_t number = (uintptr_t)argument;
    places[number] = &local;
    local += (int)number;
    for (unsigned i = 0; i < sizeof zeroed; i++)
        if (zeroed[i])
            return NULL;
    memset(zeroed, 1, sizeof zeroed);
    sched_yield();
    if (number % 2)
        pthread_exit((void *)(uintptr_t)local);
    return (void *)(uintptr_t)local;
}

static void check_create(void)
{
    pthread_t threads[THREADS];
    void *result;
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, answer, (void *)i) == 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], &result) == 0 && (uintptr_t)result == 41 + i);
        for (uintptr_t j = 0; j < i; j++)
            CHECK(places[i] != &local);
    }
    CHECK(local == 41 && !zeroed[0] && pthread_equal(pthread_self(), pthread_self()));
    for (unsigned i = 0; i < 300; i++) { /* nothing is left of them */
        CHECK(pthread_create(&threads[0], NULL, answer, (void *)(uintptr_t)(i % THREADS)) == 0);
        CHECK(pthread_join(threads[0], NULL) == 0);
    }
}

static sem_t done;

static void *say_done(void *argument)
{
    sem_post(argument);
    return NULL;
}

static void check_detach(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    int state;
    size_t size;
    sem_init(&done, 0, 0);
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_attr_getdetachstate(&attributes, &state) == 0 && state == PTHREAD_CREATE_DETACHED);
    CHECK(pthread_attr_setstacksize(&attributes, 100) == EINVAL && pthread_attr_setstacksize(&attributes, 65536) == 0);
    CHECK(pthread_attr_getstacksize(&attributes, &size) == 0 && size == 65536);
    for (unsigned i = 0; i < 200; i++) {
        CHECK(pthread_create(&thread, &attributes, say_done, &done) == 0);
        sem_wait(&done);
    }
    CHECK(pthread_create(&thread, NULL, say_done, &done) == 0);
    CHECK(pthread_detach(thread) == 0);
    sem_wait(&done);
    pthread_attr_destroy(&attributes);
}

static int destroyed;
static pthread_key_t key;

static void destroy(void *value)
{
    destroyed += (int)(uintptr_t)value;
    if ((uintptr_t)value == 1)
        pthread_setspecific(key, (void *)10);
}

static void *set_key(void *value)
{
    void *before = pthread_getspecific(key);
    pthread_setspecific(key, value);
    return before;
}

static void check_keys(void)
{
    pthread_t thread;
    void *result;
    CHECK(pthread_key_create(&key, destroy) == 0);
    pthread_setspecific(key, (void *)7);
    pthread_create(&thread, NULL, set_key, (void *)1);
    CHECK(pthread_join(thread, &result) == 0 && result == NULL && destroyed == 11);
    CHECK(pthread_getspecific(key) == (void *)7 && pthread_key_delete(key) == 0);
}

/* Locks. */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static long counted, spun;

static void *count(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        const long before = counted;
        if (i % 64 == 0)
            sched_yield();
        counted = before + 1;
        pthread_mutex_unlock(&mutex);
        pthread_spin_lock(&spin);
        spun++;
        pthread_spin_unlock(&spin);
    }
    return NULL;
}

static void check_mutexes(void)
{
    pthread_t threads[THREADS];
    pthread_mutexattr_t attributes;
    pthread_mutex_t lock;
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(counted == THREADS * ROUNDS && spun == counted);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attributes);
    CHECK(pthread_mutex_lock(&lock) == 0 && pthread_mutex_lock(&lock) == 0 && pthread_mutex_trylock(&lock) == 0);
    CHECK(tries(&lock) == 2);
    CHECK(pthread_mutex_unlock(&lock) == 0 && pthread_mutex_unlock(&lock) == 0 && tries(&lock) == 2);
    CHECK(pthread_mutex_unlock(&lock) == 0 && pthread_mutex_unlock(&lock) == EPERM && pthread_mutex_destroy(&lock) == 0);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&lock, &attributes);
    CHECK(pthread_mutex_lock(&lock) == 0 && pthread_mutex_lock(&lock) == EDEADLK && tries(&lock) == 2);
    CHECK(pthread_mutex_unlock(&lock) == 0 && pthread_mutex_unlock(&lock) == EPERM);
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static unsigned waiting, allowed;

static void *wait_for_permission(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&mutex);
    waiting++;
    while (!allowed)
        pthread_cond_wait(&condition, &mutex);
    allowed--;
    waiting--;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void wait_until_waiting(unsigned wanted)
{
    for (unsigned is = ~0u; is != wanted; sched_yield()) {
        pthread_mutex_lock(&mutex);
        is = waiting;
        pthread_mutex_unlock(&mutex);
    }
}

static void check_conditions(void)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wait_for_permission, NULL);
    wait_until_waiting(THREADS);
    pthread_mutex_lock(&mutex);
    allowed = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    wait_until_waiting(THREADS - 1);
    pthread_mutex_lock(&mutex);
    allowed = THREADS - 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(waiting == 0 && allowed == 0);
    pthread_mutex_lock(&mutex);
    const struct timespec soon = after(CLOCK_REALTIME, 4);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT && is_past(CLOCK_REALTIME, soon));
    CHECK(pthread_cond_timedwait(&condition, &mutex, &(struct timespec){.tv_nsec = -1}) == EINVAL);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &(struct timespec){.tv_sec = 1}) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    pthread_condattr_t attributes;
    pthread_cond_t other;
    pthread_condattr_init(&attributes);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&other, &attributes) == 0);
    pthread_mutex_lock(&mutex);
    const struct timespec then = after(CLOCK_MONOTONIC, 2);
    CHECK(pthread_cond_timedwait(&other, &mutex, &then) == ETIMEDOUT && is_past(CLOCK_MONOTONIC, then));
    pthread_mutex_unlock(&mutex);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long pair[2];
static volatile int torn;

static void *read_or_write(void *argument)
{
    const int writes = (int)(uintptr_t)argument % 4 == 0;
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        if (writes) {
            pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            if (i % 16 == 0)
                sched_yield();
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (pair[0] != pair[1])
                torn = 1;
            if (i % 32 == 0)
                sched_yield();
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void check_rwlocks(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, read_or_write, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(!torn && pair[0] == THREADS / 4 * (ROUNDS / 4) && pair[0] == pair[1]);
    CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_tryrdlock(&rwlock) == 0 && pthread_rwlock_trywrlock(&rwlock) == EBUSY);
    const struct timespec soon = after(CLOCK_REALTIME, 2);
    CHECK(pthread_rwlock_timedwrlock(&rwlock, &soon) == ETIMEDOUT);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
}

static pthread_barrier_t barrier;
static volatile unsigned phase[THREADS], serial;

static void *pass_barriers(void *argument)
{
    const unsigned number = (unsigned)(uintptr_t)argument;
    for (unsigned round = 1; round <= 20; round++) {
        phase[number] = round;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_fetch_add(&serial, 1, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < THREADS; i++)
            if (phase[i] < round)
                torn = 1;
    }
    return NULL;
}

static void check_barriers(void)
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, pass_barriers, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(!torn && serial == 20 && pthread_barrier_destroy(&barrier) == 0);
}

static sem_t full, empty;
static unsigned queue[4], taken;

static void *produce(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 200; i++) {
        sem_wait(&empty);
        queue[i % 4] = i;
        sem_post(&full);
    }
    return NULL;
}

static void check_semaphores(void)
{
    pthread_t thread;
    int value;
    sem_init(&full, 0, 0);
    sem_init(&empty, 0, 4);
    pthread_create(&thread, NULL, produce, NULL);
    for (unsigned i = 0; i < 200; i++) {
        sem_wait(&full);
        taken += queue[i % 4] == i;
        sem_post(&empty);
    }
    pthread_join(thread, NULL);
    CHECK(taken == 200 && sem_getvalue(&empty, &value) == 0 && value == 4);
    CHECK(sem_trywait(&full) == -1 && errno == EAGAIN);
    const struct timespec soon = after(CLOCK_REALTIME, 2);
    CHECK(sem_timedwait(&full, &soon) == -1 && errno == ETIMEDOUT && is_past(CLOCK_REALTIME, soon));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int times;

static void once_only(void)
{
    nap(1);
    times++;
}

static void *call_once_only(void *argument)
{
    pthread_once(&once, once_only);
    return (void *)(uintptr_t)(times == 1 && !argument);
}

static void check_once(void)
{
    pthread_t threads[THREADS];
    void *result;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_once_only, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], &result) == 0 && result);
    CHECK(times == 1);
}

static int add(void *argument)
{
    mtx_lock(argument);
    times++;
    mtx_unlock(argument);
    thrd_exit(times);
}

static void check_c11(void)
{
    thrd_t thread;
    mtx_t lock;
    int result = 0;
    CHECK(mtx_init(&lock, mtx_plain) == thrd_success);
    CHECK(thrd_create(&thread, add, &lock) == thrd_success && thrd_join(thread, &result) == thrd_success && result == 2);
}

static char own_stack[65536] __attribute__((aligned(4096)));

static void *lie_on_own_stack(void *argument)
{
    char here;
    return (void *)(uintptr_t)((uintptr_t)(&here - own_stack) < sizeof own_stack && !argument);
}

static void check_stacks(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *result, *stack = NULL;
    size_t size = 0;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstack(&attributes, own_stack, sizeof own_stack) == 0);
    CHECK(pthread_create(&thread, &attributes, lie_on_own_stack, NULL) == 0 && pthread_join(thread, &result) == 0 && result);
    CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0 && pthread_attr_getstack(&attributes, &stack, &size) == 0);
    CHECK((uintptr_t)__builtin_frame_address(0) - (uintptr_t)stack < size);
}

int main(void)
{
    where = &local;
    check_create();
    check_detach();
    check_keys();
    check_mutexes();
    check_conditions();
    check_rwlocks();
    check_barriers();
    check_semaphores();
    check_once();
    check_c11();
    check_stacks();
    CHECK(where == &local);
    return checks_finish("threads");
}
