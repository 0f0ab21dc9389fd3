/* A stack has its pages when they are touched, up to its limit; each is paid for then. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
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
    CHECK(handled == 13 || handled == 25);
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

#define PARTS 4096

static struct {
    unsigned char *start;
    size_t size;
} parts[PARTS];
static int part_count;

/* False: there is none, for the right reason. */
static int fill(size_t size, int protection)
{
    if (part_count == PARTS)
        return 0;
    errno = 0;
    void *start = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        CHECK(errno == ENOMEM);
        return 0;
    }
    parts[part_count].start = start;
    parts[part_count++].size = size;
    return 1;
}

static void give_back(void)
{
    while (part_count) {
        part_count--;
        CHECK(munmap(parts[part_count].start, parts[part_count].size) == 0);
    }
}

static void no_thread(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use, NULL) == EAGAIN);
}

/* Nothing is left, and afterwards all is as before. */
static void halves(void)
{
    for (size_t size = SIZE_MAX / 2 + 1; size >= 4 * KILO; size /= 2)
        while (fill(size, PROT_NONE))
            ;
    CHECK(part_count > 10 && part_count < PARTS);
    for (size_t size = 4 * KILO; size < 64 * MEGA; size *= 4)
        CHECK(!fill(size, PROT_READ | PROT_WRITE));
    no_thread();
    /* What is given access is there as far as the budget goes. */
    unsigned char *large = parts[0].start;
    const size_t size = parts[0].size;
    CHECK(size > 1024 * 1024 * MEGA);
    CHECK(mprotect(large, size, PROT_READ | PROT_WRITE) == 0);
    for (size_t at = size / 3; at > MEGA; at /= 64) {
        large[at] = (unsigned char)at;
        large[size - at] = 1;
        CHECK(large[at + 1] == 0 && large[size - at] == 1);
    }
    CHECK(mprotect(large + size / 4, size / 2, PROT_NONE) == 0);
    CHECK(mprotect(large, size, PROT_READ) == 0);
    CHECK(large[size / 3] == (unsigned char)(size / 3) && large[size / 2] == 0);
    /* A hole in it is found again. */
    CHECK(munmap(large + 512 * MEGA, MEGA) == 0);
    CHECK(mmap(NULL, MEGA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == large + 512 * MEGA);
    give_back();
}

/* The largest size that there is room for, bit by bit. */
static size_t largest(void)
{
    size_t size = 0;
    for (size_t bit = SIZE_MAX / 2 + 1; bit >= 4 * KILO; bit /= 2) {
        void *start = mmap(NULL, size + bit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED)
            continue;
        size += bit;
        CHECK(munmap(start, size) == 0);
    }
    return size;
}

static void searches(void)
{
    for (size_t size; (size = largest());)
        if (!fill(size, PROT_NONE)) {
            CHECK(0);
            break;
        }
    CHECK(part_count > 1 && part_count < PARTS);
    no_thread();
    give_back();
}

/* Mappings that do not become one use up the kernel's memory, or that of the program. */
static void pages(void)
{
    static const int protections[] = {PROT_NONE, PROT_NONE, PROT_NONE, PROT_READ};
    for (int i = 0; fill(4 * KILO, protections[i % 4]); i++)
        CHECK(i % 4 != 0 || mprotect(parts[i].start, 4 * KILO, PROT_READ) == 0 || errno == ENOMEM);
    CHECK(part_count > 100 && part_count < PARTS);
    no_thread();
    give_back();
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
    halves();
    searches();
    pages();
    halves();
    reserves();
    threads();
    return checks_finish("grows");
}
