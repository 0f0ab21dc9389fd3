/* Semaphores and memory that have names; mutexes that outlive their owners or lend priorities. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"

static void named_semaphores(void)
{
    char name[40];
    int value = -1;
    snprintf(name, sizeof name, "/subject-%d", getpid());
    sem_t *one = sem_open(name, O_CREAT | O_EXCL, 0700, 1), *two;
    HOLDS(one != SEM_FAILED);
    if (one == SEM_FAILED) {
        note("%s ", strerror(errno));
        return;
    }
    errno = 0;
    HOLDS(sem_open(name, O_CREAT | O_EXCL, 0700, 1) == SEM_FAILED && errno == EEXIST);
    HOLDS((two = sem_open(name, 0)) == one);
    HOLDS(!sem_getvalue(one, &value) && value == 1);
    HOLDS(!sem_wait(one) && sem_trywait(two) == -1 && errno == EAGAIN);
    HOLDS(!sem_post(two) && !sem_getvalue(one, &value) && value == 1);
    HOLDS(!sem_close(two) && !sem_getvalue(one, &value) && value == 1);
    HOLDS(!sem_unlink(name));
    errno = 0;
    HOLDS(sem_unlink(name) == -1 && errno == ENOENT);
    errno = 0;
    HOLDS(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    HOLDS(!sem_post(one) && !sem_close(one));
    errno = 0;
    HOLDS(sem_open("/", O_CREAT, 0700, 1) == SEM_FAILED && errno != 0);
}

static void closed_semaphores(void)
{
    char name[40];
    int value = -1;
    snprintf(name, sizeof name, "/closed-%d", getpid());
    sem_t *one = sem_open(name, O_CREAT | O_EXCL, 0700, 5), *two;
    HOLDS(one != SEM_FAILED);
    if (one == SEM_FAILED)
        return;
    two = sem_open(name, 0);
    HOLDS(two == one && !sem_close(one));
    HOLDS(!sem_getvalue(two, &value) && value == 5);
    HOLDS(!sem_close(two));
    two = sem_open(name, 0);
    HOLDS(two != SEM_FAILED && !sem_getvalue(two, &value) && value == 5);
    HOLDS(!sem_close(two) && !sem_unlink(name));
}

static void named_memory(void)
{
    char name[40];
    struct stat status;
    snprintf(name, sizeof name, "/memory-%d", getpid());
    const int one = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), two = shm_open(name, O_RDWR, 0);
    HOLDS(one >= 0 && two >= 0);
    if (one < 0 || two < 0)
        return;
    HOLDS(!ftruncate(one, 8192) && !fstat(two, &status) && status.st_size == 8192);
    char *here = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, one, 0), *there = mmap(0, 8192, PROT_READ, MAP_SHARED, two, 0);
    HOLDS(here != MAP_FAILED && there != MAP_FAILED && here != there);
    here[5000] = 9;
    HOLDS(there[5000] == 9 && there[0] == 0);
    HOLDS(!munmap(here, 8192) && !munmap(there, 8192) && !close(one) && !close(two) && !shm_unlink(name));
    errno = 0;
    HOLDS(shm_open(name, O_RDWR, 0) == -1 && errno == ENOENT);
}

static pthread_mutex_t mutex;
static pthread_barrier_t both;

static void make(int robust, int protocol, int shared, int kind)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    HOLDS(!robust || !pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    HOLDS(!shared || !pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    HOLDS(!pthread_mutexattr_settype(&attributes, kind));
    HOLDS(!pthread_mutexattr_setprotocol(&attributes, protocol));
    HOLDS(!pthread_mutex_init(&mutex, &attributes));
    pthread_mutexattr_destroy(&attributes);
}

static void *lock_and_end(void *argument)
{
    pthread_mutex_lock(&mutex);
    pthread_barrier_wait(&both);
    return argument;
}

static void outlived_by(int detached, int protocol, int shared)
{
    pthread_t thread;
    pthread_attr_t how;
    pthread_attr_init(&how);
    HOLDS(!detached || !pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED));
    make(1, protocol, shared, PTHREAD_MUTEX_NORMAL);
    pthread_barrier_init(&both, 0, 2);
    HOLDS(!pthread_create(&thread, &how, lock_and_end, 0));
    pthread_barrier_wait(&both);
    struct timespec later;
    clock_gettime(CLOCK_REALTIME, &later);
    later.tv_sec += 5;
    HOLDS(pthread_mutex_timedlock(&mutex, &later) == EOWNERDEAD);
    HOLDS(!pthread_mutex_consistent(&mutex));
    HOLDS(!pthread_mutex_unlock(&mutex) && !pthread_mutex_lock(&mutex) && !pthread_mutex_unlock(&mutex));
    HOLDS(detached || !pthread_join(thread, 0));
    HOLDS(!pthread_create(&thread, &how, lock_and_end, 0));
    pthread_barrier_wait(&both);
    HOLDS(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    HOLDS(!pthread_mutex_unlock(&mutex)); /* not made consistent */
    HOLDS(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
    HOLDS(pthread_mutex_trylock(&mutex) == ENOTRECOVERABLE);
    HOLDS(detached || !pthread_join(thread, 0));
    pthread_mutex_destroy(&mutex);
}

static void robust(void)
{
    outlived_by(0, PTHREAD_PRIO_NONE, 0);
    outlived_by(0, PTHREAD_PRIO_NONE, 1);
    outlived_by(0, PTHREAD_PRIO_INHERIT, 0);
    HOLDS(pthread_mutex_consistent(&(pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER) == EINVAL);
}

static void robust_and_detached(void)
{
    outlived_by(1, PTHREAD_PRIO_NONE, 0);
    outlived_by(1, PTHREAD_PRIO_NONE, 1);
}

static void *try(void *argument)
{
    (void)argument;
    long error = pthread_mutex_trylock(&mutex);
    if (!error)
        pthread_mutex_unlock(&mutex);
    return (void *)error;
}

static void *count_up(void *argument)
{
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mutex);
        const int now = *(volatile int *)argument;
        if (i % 10 == 0)
            sched_yield();
        *(volatile int *)argument = now + 1;
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

static void lending(void)
{
    pthread_t threads[3];
    void *result = 0;
    int total = 0;
    struct timespec soon;
    for (int kind = PTHREAD_MUTEX_NORMAL; kind <= PTHREAD_MUTEX_ERRORCHECK; kind++) {
        make(0, PTHREAD_PRIO_INHERIT, kind == PTHREAD_MUTEX_NORMAL, kind);
        HOLDS(!pthread_mutex_lock(&mutex));
        HOLDS((kind == PTHREAD_MUTEX_RECURSIVE) == !pthread_mutex_trylock(&mutex));
        pthread_create(threads, 0, try, 0);
        HOLDS(!pthread_join(*threads, &result) && result == (void *)EBUSY);
        if (kind == PTHREAD_MUTEX_RECURSIVE)
            HOLDS(!pthread_mutex_lock(&mutex) && !pthread_mutex_unlock(&mutex) && !pthread_mutex_unlock(&mutex));
        if (kind == PTHREAD_MUTEX_ERRORCHECK)
            HOLDS(pthread_mutex_lock(&mutex) == EDEADLK);
        if (kind == PTHREAD_MUTEX_NORMAL) {
            clock_gettime(CLOCK_REALTIME, &soon);
            HOLDS(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
        }
        HOLDS(!pthread_mutex_unlock(&mutex));
        HOLDS(kind == PTHREAD_MUTEX_NORMAL || pthread_mutex_unlock(&mutex) == EPERM);
        total = 0;
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], 0, count_up, &total);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], 0);
        HOLDS(total == 150);
        HOLDS(!pthread_mutex_destroy(&mutex));
    }
}

const struct subject named_subjects[] = {
    {"sem_open", named_semaphores}, {"sem_close-unmap", closed_semaphores}, {"shm_open", named_memory}, {"pthread_robust", robust},
    {"pthread-robust-detach", robust_and_detached}, {"pthread_mutex_pi", lending}, {0, 0}};
