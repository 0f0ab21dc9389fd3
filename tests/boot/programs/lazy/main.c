/* Functions that are bound at their first call: with glibc, and as a service. */
#include "many.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4

static int started;

__attribute__((constructor)) static void construct(void)
{
    started = early();
}

__attribute__((destructor)) static void destruct(void)
{
    printf("destructor %d\n", last());
    fflush(stdout);
}

/* The program's comes first, for the library's calls, too. */
int own_or_libs(void)
{
    return 2;
}

static void print_seen(const char *name, struct seen seen)
{
    printf("%s", name);
    for (int i = 0; i < 7; i++)
        printf(" %ld", seen.words[i]);
    for (int i = 0; i < 9; i++)
        printf(" %g", seen.numbers[i]);
    printf("\n");
}

static long kept_word(void)
{
    long word = 0x1234;
    __asm__ volatile("mov %0, %%r10\n call kept@PLT\n mov %%rax, %0" : "+r"(word) : : "rax", "r10", "r11", "memory", "cc");
    return word;
}

static void registers(void)
{
    print_seen("first", see_a(1, 2, 3, 4, 5, 6, .5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 7, 8.5));
    print_seen("again", see_a(6, 5, 4, 3, 2, 1, .5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 7, 8.5));
    printf("variable %d\n", sum(3, 1.5, 2, 2.5, 4, 100.0, 3));
#ifndef __GLIBC__ /* whose resolver does not keep it */
    printf("static chain %d\n", kept_word() == 0x1234);
#endif
    fesetround(FE_UPWARD);
    errno = EXDEV;
    int answer = twice(21);
    printf("twice %d, errno %d, rounding %d\n", answer, errno == EXDEV, fegetround() == FE_UPWARD);
    fesetround(FE_TONEAREST);
}

#define CALL(number) total += many_##number(given);

static void *call_all(void *barrier)
{
    int given = 1;
    long total = 0;
    pthread_barrier_wait(barrier);
    EIGHT(CALL, 1)
    EIGHT(CALL, 2)
    EIGHT(CALL, 3)
    EIGHT(CALL, 4)
    EIGHT(CALL, 5)
    EIGHT(CALL, 6)
    EIGHT(CALL, 7)
    return (void *)total;
}

static void threads(void)
{
    pthread_barrier_t barrier;
    pthread_t thread[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, call_all, &barrier);
    for (int i = 0; i < THREADS; i++) {
        void *total;
        pthread_join(thread[i], &total);
        printf("thread %ld\n", (long)total);
    }
}

static volatile int handled;

static void handle(int number)
{
    (void)number;
    handled += in_handler();
}

/* On a stack that has hardly more than a signal's own needs: SIGSTKSZ of the smaller libc. */
static void signals(void)
{
    static char room[8192];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    raise(SIGUSR1);
    printf("handled %d\n", handled);
}

static volatile int stops;
static volatile long interrupts;

static void interrupt(int number)
{
    long total = 0;
    int given = number;
    EIGHT(CALL, 8)
    interrupts += total > 0;
}

static void *bind_meanwhile(void *unused)
{
    (void)unused;
    long total = see_b(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).words[0] + see_c(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).words[0] +
                 see_d(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).words[0] + see_e(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).words[0];
    while (!stops)
        sched_yield();
    return (void *)total;
}

/* A thread that binds is interrupted by a handler that binds. */
static void interrupted(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    pthread_t thread;
    void *total;
    sigaction(SIGUSR2, &action, NULL);
    pthread_create(&thread, NULL, bind_meanwhile, NULL);
    while (interrupts < 3) {
        pthread_kill(thread, SIGUSR2);
        sched_yield();
    }
    stops = 1;
    pthread_join(thread, &total);
    printf("interrupted %ld\n", (long)total);
}

/* For the test of what checks them: the slot of a function that is not called, or what leads from a slot to what binds. */
static void spoil(int is_slot)
{
    const unsigned char *entry;
    int distance;
    long *table;
    __asm__("lea never_called@PLT(%%rip), %0\n lea _GLOBAL_OFFSET_TABLE_(%%rip), %1" : "=r"(entry), "=r"(table));
    while (entry[0] != 0xff || entry[1] != 0x25) /* jmp *slot(%rip) */
        entry++;
    memcpy(&distance, entry + 2, sizeof distance);
    if (is_slot)
        *(int (**)(void))(entry + 6 + distance) = late;
    else
        table[1] += 8; /* still an address of this object */
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("constructor %d\n", started);
    if (count > 1)
        spoil(strcmp(arguments[1], "slot") == 0);
    registers();
    printf("program first %d\n", calls_own_or_libs());
    printf("one address %d\n", where_twice_is() == twice);
    printf("before %d\n", chosen_count());
    int answer = chosen() + chosen();
    printf("chosen %d %d\n", answer, chosen_count());
    printf("weak %d\n", weak_one != NULL);
    threads();
    signals();
    interrupted();
    return 0;
}
