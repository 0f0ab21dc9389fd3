/* When there is no memory, no descriptor, no place any more: each has a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "subject.h"

static int limit(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now))
        return -1;
    now.rlim_cur = now.rlim_max = most;
    return setrlimit(resource, &now);
}

/* Take all addresses, halving what is asked for; how many parts there were. */
static int fill_addresses(void *parts[], size_t sizes[], int most)
{
    int count = 0;
    for (size_t size = SIZE_MAX / 2 + 1; size >= 4096 && count < most; size /= 2)
        for (; count < most; count++) {
            void *part = mmap(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (part == MAP_FAILED)
                break;
            parts[count] = part;
            sizes[count] = size;
        }
    return count;
}

static void *parts[4096];
static size_t sizes[4096];

static void use_memory_up(void)
{
    HOLDS(fill_addresses(parts, sizes, 4096) > 0);
    HOLDS(!limit(RLIMIT_DATA, 0));
    for (size_t size = 1 << 20; size; size /= 4)
        for (int i = 0; i < 10000 && malloc(size); i++)
            ;
}

static void no_memory(void)
{
    use_memory_up();
    const size_t wanted[] = {1, 10, 100, 1000, 10000, 100000, 1 << 20, 1ul << 40, SIZE_MAX, SIZE_MAX - 4096};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        errno = 0;
        HOLDS(!malloc(wanted[i]) && errno == ENOMEM);
    }
    errno = 0;
    HOLDS(!calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
    HOLDS(!realloc(0, 100000));
}

static void no_memory_for_variable(void)
{
    use_memory_up();
    char value[10000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    errno = 0;
    HOLDS(setenv("SUBJECT", value, 1) == -1 && errno == ENOMEM);
    HOLDS(!getenv("SUBJECT"));
}

static void *never_runs(void *argument)
{
    return argument;
}

static void no_memory_for_thread(void)
{
    pthread_t thread;
    use_memory_up();
    HOLDS(pthread_create(&thread, 0, never_runs, 0) == EAGAIN);
}

/* Without a program break malloc takes what mmap gives. */
static void without_break(void)
{
    const int count = fill_addresses(parts, sizes, 4096);
    size_t given = 0;
    for (int i = count - 1; i >= 0 && given < 1 << 20; i--)
        if (sizes[i] >= 1 << 16) {
            munmap(parts[i], sizes[i]);
            given += sizes[i];
        }
    HOLDS(given >= 1 << 16);
    char *block = malloc(10000);
    HOLDS(block != 0);
    if (block)
        memset(block, 1, 10000);
}

static void open_files(void)
{
    struct rlimit now;
    HOLDS(!limit(RLIMIT_NOFILE, 42));
    HOLDS(!getrlimit(RLIMIT_NOFILE, &now) && now.rlim_cur == 42 && now.rlim_max == 42);
    int number, last = -1;
    while ((number = dup(1)) >= 0 && number < 100)
        last = number;
    HOLDS(number == -1 && errno == EMFILE && last == 41);
    HOLDS(sysconf(_SC_OPEN_MAX) == 42);
    errno = 0;
    HOLDS(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
    HOLDS(dup2(1, 42) == -1 && errno == EBADF);
    HOLDS(fcntl(1, F_DUPFD, 42) == -1 && errno == EINVAL);
    HOLDS(fcntl(1, F_DUPFD, 0) == -1 && errno == EMFILE);
    for (number = 3; number < 42; number++)
        close(number);
    HOLDS((number = open("/dev/null", O_RDONLY)) == 3);
    now.rlim_cur = 50, now.rlim_max = 40;
    HOLDS(setrlimit(RLIMIT_NOFILE, &now) == -1 && errno == EINVAL);
    HOLDS(getrlimit(12345, &now) == -1 && errno == EINVAL);
}

static void sizes_of_blocks(void)
{
    for (size_t size = 1; size < 200000; size = size * 3 / 2 + 1) {
        unsigned char *block = malloc(size);
        HOLDS(block && (uintptr_t)block % 16 == 0);
        memset(block, (int)size, size);
        block = realloc(block, size * 2);
        HOLDS(block && block[0] == (unsigned char)size && block[size - 1] == (unsigned char)size);
        free(block);
        unsigned char *zeros = calloc(size, 3);
        unsigned sum = 0;
        for (size_t i = 0; i < size * 3; i++)
            sum |= zeros[i];
        HOLDS(!sum);
        free(zeros);
    }
    HOLDS(realloc(malloc(10), 1 << 20) != 0);
    errno = 0;
    HOLDS(!aligned_alloc(4096, SIZE_MAX - 8192));
    void *aligned = 0;
    HOLDS(posix_memalign(&aligned, 3, 10) == EINVAL);
    for (size_t unit = 8; unit <= 1 << 20; unit *= 2)
        HOLDS(!posix_memalign(&aligned, unit, 100) && (uintptr_t)aligned % unit == 0);
}

const struct subject memory_subjects[] = {
    {"malloc-oom", no_memory, 1}, {"setenv-oom", no_memory_for_variable, 1}, {"pthread_create-oom", no_memory_for_thread, 1},
    {"malloc-brk-fail", without_break, 1}, {"rlimit-open-files", open_files, 1}, {"malloc-sizes", sizes_of_blocks}, {0, 0}};
