/* Does what its argument names, each a mistake that a service may have: tests/boot/test_reasons.py. */
#include <protocol/names.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static void spin(void)
{
    for (;;)
        counter++;
}

__attribute__((noinline)) static void copy(void)
{
    static char from[65536], to[65536];
    for (;;) {
        memcpy(to, from, sizeof to);
        __asm__ volatile("" ::: "memory");
    }
}

__attribute__((noinline)) static unsigned long recurse(unsigned long depth)
{
    volatile char page[512];
    page[depth % sizeof page] = 1;
    return depth == counter - 1 ? 0 : recurse(depth + 1) + (unsigned long)page[0];
}

__attribute__((noinline)) static void write_to(volatile int *where)
{
    *where = 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "spin") == 0)
        spin();
    else if (strcmp(what, "copy") == 0)
        copy();
    else if (strcmp(what, "overflow") == 0)
        printf("%lu\n", recurse(0));
    else if (strcmp(what, "null") == 0)
        write_to((volatile int *)(size_t)(argc - 2)); /* not 0 to the compiler */
    else if (strcmp(what, "wait") == 0)
        return names_lookup(argv[2]) < 0;
    else if (strcmp(what, "trap") == 0)
        __builtin_trap();
    else if (strcmp(what, "abort") == 0)
        abort();
    else if (strcmp(what, "lock") == 0)
        return pthread_mutex_lock(&mutex) || pthread_mutex_lock(&mutex);
    return 0;
}
