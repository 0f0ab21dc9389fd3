/* A stack has its pages when they are touched, up to its limit; each is paid for then. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define KILO 1024ul
#define MEGA (KILO * KILO)

static volatile sig_atomic_t handled;

static void handle(int number)
{
    handled += number == SIGUSR1;
}

/* Touch so much of the stack, from its lowest byte upwards: far from what is there. */
static __attribute__((noinline)) unsigned char touch(size_t size)
{
    volatile unsigned char room[size];
    for (size_t at = 0; at < size; at += 4 * KILO)
        room[at] = (unsigned char)(at / (4 * KILO));
    return room[size - 1] + room[8 * KILO];
}

/* What the kernel writes to, and reads from, pages that were not touched. */
static __attribute__((noinline)) void let_kernel_touch(size_t size)
{
    volatile unsigned char room[size];
    struct timespec *now = (struct timespec *)(void *)room, again;
    clock_gettime(CLOCK_MONOTONIC, now);
    clock_gettime(CLOCK_MONOTONIC, &again);
    CHECK(now->tv_sec == again.tv_sec || now->tv_sec + 1 == again.tv_sec);
    sem_t *semaphore = (sem_t *)(void *)(room + 64 * KILO);
    sem_init(semaphore, 0, 0);
    const struct timespec past = {0};
    CHECK(sem_timedwait(semaphore, &past) != 0);
    CHECK(write(-1, (const void *)(room + 128 * KILO), 10) == -1);
    CHECK(room[200 * KILO] == 0);
    raise(SIGUSR1);
}

static void *use(void *size)
{
    CHECK(touch((size_t)size) == 2);
    let_kernel_touch(256 * KILO);
    return NULL;
}

/* More would not be there if one kept what it had. */
static void threads(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, 64 * MEGA) == 0);
    for (int i = 0; i < 12; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &attributes, use, (void *)(MEGA / 2)) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(handled == 13);
}

/* Two addresses of one page that was not there, and a part of a reserve that is given its access later. */
static void reserves(void)
{
    unsigned char *reserve = mmap(NULL, 512 * MEGA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(reserve != MAP_FAILED);
    CHECK(mprotect(reserve + 400 * MEGA, MEGA, PROT_READ | PROT_WRITE) == 0);
    reserve[400 * MEGA] = 1;
    reserve[401 * MEGA - 1] = 2;
    CHECK(mprotect(reserve + 400 * MEGA, MEGA, PROT_READ) == 0);
    CHECK(reserve[400 * MEGA] == 1 && reserve[401 * MEGA - 1] == 2 && reserve[400 * MEGA + 8 * KILO] == 0);
    CHECK(mprotect(reserve + 400 * MEGA, MEGA, PROT_NONE) == 0);
    CHECK(mprotect(reserve + 400 * MEGA, MEGA, PROT_READ | PROT_WRITE) == 0);
    CHECK(reserve[400 * MEGA] == 1 && reserve[401 * MEGA - 1] == 2);
    CHECK(munmap(reserve, 512 * MEGA) == 0);
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, NULL);
    if (count > 1 && strcmp(arguments[1], "all") == 0)
        return touch(7 * MEGA);
    CHECK(touch(MEGA / 2) == 2);
    let_kernel_touch(256 * KILO);
    threads();
    reserves();
    return checks_finish("grows");
}
