/* Locks in memory that two processes share, by what POSIX says; one process ends while it holds one. The same program runs on
 * the development machine: there it is its own child, here the service of the manifest that CHILD names is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

#define TIMES 500

extern char **environ;

struct shared {
    pthread_mutex_t plain, robust;
    pthread_cond_t changed;
    pthread_rwlock_t many;
    sem_t ready;
    int count, turn, value;
};

static const char *program = "/proc/self/exe";
static char number[16]; /* of the file, which the child has, too */

static struct shared *map(int file)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(shared != MAP_FAILED);
    return shared;
}

static void add(struct shared *shared)
{
    for (int i = 0; i < TIMES; i++) {
        pthread_mutex_lock(&shared->plain);
        const int count = shared->count;
        if (i % 50 == 0)
            sched_yield();
        shared->count = count + 1;
        pthread_mutex_unlock(&shared->plain);
    }
}

/* Each process has every second turn. */
static void take_turns(struct shared *shared, int mine)
{
    pthread_mutex_lock(&shared->plain);
    for (int i = 0; i < 20; i++) {
        while (shared->turn % 2 != mine)
            pthread_cond_wait(&shared->changed, &shared->plain);
        shared->turn++;
        pthread_cond_signal(&shared->changed);
    }
    pthread_mutex_unlock(&shared->plain);
}

static int be_a_child(char **words)
{
    struct shared *shared = map(atoi(words[2]));
    if (!strcmp(words[1], "add"))
        add(shared);
    else if (!strcmp(words[1], "turns"))
        take_turns(shared, 1);
    else { /* end while it holds locks */
        pthread_mutex_lock(&shared->robust);
        pthread_rwlock_rdlock(&shared->many);
        pthread_rwlock_unlock(&shared->many);
        shared->value = 5;
        sem_post(&shared->ready);
        if (!strcmp(words[1], "waited"))
            nap(20); /* the parent waits for the lock meanwhile, or soon */
        if (!strcmp(words[1], "killed"))
            for (;;)
                pause();
    }
    return 3;
}

static pid_t spawn(const char *what)
{
    char *const words[] = {"child", (char *)what, number, NULL};
    pid_t child = -1;
    CHECK(posix_spawn(&child, program, NULL, NULL, words, environ) == 0);
    return child;
}

static void ends(pid_t child)
{
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

/* EOWNERDEAD goes to the next who locks; where it makes nothing consistent, all others get ENOTRECOVERABLE. */
static void owners_that_end(struct shared *shared)
{
    static const char *const ways[] = {"ended", "waited", "killed"};
    for (int i = 0; i < 3; i++) {
        shared->value = 0;
        pid_t child = spawn(ways[i]);
        while (sem_wait(&shared->ready))
            ;
        if (i == 0)
            ends(child);
        if (i == 2) {
            CHECK(pthread_mutex_trylock(&shared->robust) == EBUSY && kill(child, SIGKILL) == 0);
            int status;
            CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        }
        CHECK(pthread_mutex_lock(&shared->robust) == EOWNERDEAD && shared->value == 5);
        CHECK(pthread_mutex_consistent(&shared->robust) == 0 && pthread_mutex_unlock(&shared->robust) == 0);
        CHECK(pthread_mutex_lock(&shared->robust) == 0 && pthread_mutex_unlock(&shared->robust) == 0);
        if (i == 1)
            ends(child);
    }
    pid_t child = spawn("ended");
    ends(child);
    CHECK(pthread_mutex_lock(&shared->robust) == EOWNERDEAD && pthread_mutex_unlock(&shared->robust) == 0);
    CHECK(pthread_mutex_lock(&shared->robust) == ENOTRECOVERABLE);
}

int main(int count, char **words)
{
    if (count > 1)
        return be_a_child(words);
    if (getenv("CHILD"))
        program = getenv("CHILD");
    char path[40];
    snprintf(path, sizeof path, "/tmp/sharing-%d", getpid());
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0 && unlink(path) == 0 && ftruncate(file, sizeof(struct shared)) == 0);
    snprintf(number, sizeof number, "%d", file);
    struct shared *shared = map(file);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    CHECK(pthread_mutex_init(&shared->plain, &attributes) == 0);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    CHECK(pthread_mutex_init(&shared->robust, &attributes) == 0);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    CHECK(pthread_cond_init(&shared->changed, &condition) == 0);
    pthread_rwlockattr_t many;
    pthread_rwlockattr_init(&many);
    pthread_rwlockattr_setpshared(&many, PTHREAD_PROCESS_SHARED);
    CHECK(pthread_rwlock_init(&shared->many, &many) == 0);
    CHECK(sem_init(&shared->ready, 1, 0) == 0);
    pid_t child = spawn("add");
    add(shared);
    ends(child);
    CHECK(shared->count == 2 * TIMES);
    child = spawn("turns");
    take_turns(shared, 0);
    ends(child);
    CHECK(shared->turn == 40);
    owners_that_end(shared);
    CHECK(munmap(shared, sizeof *shared) == 0 && close(file) == 0);
    return checks_finish("sharing");
}
