/* Pipes, poll and select: what calls answer. The judge is Linux. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "show.h"

static char large[200000], back[200000];
static volatile int signals;

static void count_signal(int signal)
{
    signals += signal == SIGPIPE || signal == SIGUSR1;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void one_thread(void)
{
    int ends[2], left = -1;
    char text[64];
    struct stat status;
    show("pipe", pipe(ends));
    show("writes", write(ends[1], "hello, pipe", 11));
    show("FIONREAD", ioctl(ends[0], FIONREAD, &left));
    show("that many", left);
    show_bytes("reads a part", text, read(ends[0], text, 5));
    show_bytes("reads the rest", text, read(ends[0], text, sizeof text));
    show("wrong end", write(ends[0], "x", 1));
    show("other wrong end", read(ends[1], text, 1));
    show("seeks", lseek(ends[0], 0, SEEK_CUR));
    show("reads at", pread(ends[0], text, 1, 0));
    show("status", fstat(ends[0], &status));
    printf("is a pipe: %d\n", S_ISFIFO(status.st_mode));
    show("flags", fcntl(ends[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    show("flags of the other", fcntl(ends[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    show("makes it not wait", fcntl(ends[0], F_SETFL, O_NONBLOCK));
    show("nothing there", read(ends[0], text, 1));
    struct iovec parts[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}}, into[] = {{text, 3}, {text + 3, 6}, {text + 9, 50}};
    show("writes parts", writev(ends[1], parts, 4));
    show_bytes("reads parts", text, readv(ends[0], into, 3));
    writev(ends[1], parts, 3);
    show_bytes("no more than is there", text, readv(ends[0], into, 3));
    show("reads nothing", read(ends[0], text, 0));
    show("writes nothing", write(ends[1], "", 0));
    show("closes the writer", close(ends[1]));
    show("end", read(ends[0], text, 1));
    show("end again", read(ends[0], text, 1));
    show("closes", close(ends[0]));
    show("closed", read(ends[0], text, 1));
    show("flags that are not", pipe2(ends, 1));
}

static void duplicates(void)
{
    int ends[2];
    char text[8];
    show("pipe2", pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    show("close on exec", fcntl(ends[0], F_GETFD));
    const int copy = dup(ends[1]);
    show("of the copy", fcntl(copy, F_GETFD));
    show("copy does not wait", !!(fcntl(copy, F_GETFL) & O_NONBLOCK));
    close(ends[1]);
    show("still open", read(ends[0], text, 1));
    show("writes by the copy", write(copy, "c", 1));
    show_bytes("reads it", text, read(ends[0], text, 8));
    show("dup3 to itself", dup3(copy, copy, 0));
    show("dup3", dup3(copy, 40, O_CLOEXEC) == 40);
    show("its flag", fcntl(40, F_GETFD));
    show("F_DUPFD", fcntl(copy, F_DUPFD, 41) == 41);
    show("F_DUPFD_CLOEXEC", fcntl(copy, F_DUPFD_CLOEXEC, 42) == 42);
    show("its flag", fcntl(42, F_GETFD));
    show("sets it", fcntl(42, F_SETFD, 0));
    show("now", fcntl(42, F_GETFD));
    show("dup2 to itself", dup2(copy, copy) == copy);
    show("dup2 of none", dup2(63, copy));
    close(40);
    close(41);
    close(42);
    close(copy);
    show("end", read(ends[0], text, 1));
    close(ends[0]);
}

static void full(void)
{
    int ends[2];
    long all = 0, put;
    pipe2(ends, O_NONBLOCK);
    memset(large, 'x', sizeof large);
    while ((put = write(ends[1], large, 4096)) > 0)
        all += put;
    show("full", put);
    show("so much", all);
    show("reads 100", read(ends[0], back, 100));
    show("whole or not", write(ends[1], large, 4096));
    struct pollfd one = {ends[1], POLLOUT, 0};
    show("can it be written", poll(&one, 1, 0));
    show("reads a page", read(ends[0], back, 4096));
    show("writes a page", write(ends[1], large, 4096));
    for (all = 0; (put = read(ends[0], back, sizeof back)) > 0;)
        all += put;
    show("so much was there", all);
    show("writes a part of more", write(ends[1], large, sizeof large));
    show("poll", poll(&one, 1, 0));
    while (read(ends[0], back, sizeof back) > 0)
        ;
    struct iovec parts[] = {{large, 3000}, {large, 1000}};
    all = 0;
    while ((put = writev(ends[1], parts, 2)) > 0)
        all += put;
    show("whole or not, in parts", all);
    while (read(ends[0], back, sizeof back) > 0)
        ;
    close(ends[0]);
    show("poll without a reader", poll(&one, 1, 0));
    show("error", one.revents & POLLERR);
    close(ends[1]);
}

static void broken(void)
{
    int ends[2];
    pipe(ends);
    close(ends[0]);
    signal(SIGPIPE, count_signal);
    show("broken", write(ends[1], "x", 1));
    show("signals", signals);
    signal(SIGPIPE, SIG_IGN);
    show("broken, ignored", write(ends[1], "x", 1));
    show("signals", signals);
    show("nothing to a broken one", write(ends[1], "", 0));
    close(ends[1]);
}

static int there[2], back_again[2];

/* Sends back what comes, in small letters. */
static void *echo(void *argument)
{
    char text[1000];
    long got, all = 0;
    while ((got = read(there[0], text, sizeof text)) > 0) {
        all += got;
        if (argument)
            write(back_again[1], text, (size_t)got);
    }
    close(back_again[1]);
    return (void *)all;
}

static void two_threads(void)
{
    pthread_t thread;
    void *all;
    unsigned long wrong = 0;
    pipe(there);
    pipe(back_again);
    pthread_create(&thread, NULL, echo, (void *)1);
    for (unsigned i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7 + i / 251);
    for (unsigned round = 0; round < 200; round++) { /* each waits for the other */
        write(there[1], large + round, 1);
        char byte = 0;
        wrong += read(back_again[0], &byte, 1) != 1 || byte != large[round];
    }
    show("rounds that were wrong", (long)wrong);
    close(there[1]);
    show("end by the other", read(back_again[0], back, 1));
    pthread_join(thread, &all);
    show("it read", (long)all);
    close(there[0]);
    close(back_again[0]);
    pipe(there);
    pipe(back_again);
    pthread_create(&thread, NULL, echo, NULL);
    show("writes much, waiting for room", write(there[1], large, sizeof large));
    close(there[1]);
    show("end", read(back_again[0], back, 1));
    pthread_join(thread, &all);
    show("it read", (long)all);
    close(there[0]);
    close(back_again[0]);
}

/* Each writes whole records, which must not mix. */
static void *write_records(void *argument)
{
    char record[512];
    memset(record, *(const char *)argument, sizeof record);
    for (unsigned i = 0; i < 300; i++)
        write(there[1], record, sizeof record);
    return NULL;
}

static void records(void)
{
    pthread_t threads[4];
    unsigned mixed = 0, all = 0;
    pipe(there);
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_records, (void *)(unsigned long)&"abcd"[i]);
    for (; all < 4 * 300 * 512;) {
        char record[512];
        unsigned got = 0;
        while (got < sizeof record)
            got += (unsigned)read(there[0], record + got, sizeof record - got);
        for (unsigned i = 1; i < sizeof record; i++)
            mixed += record[i] != record[0];
        all += got;
    }
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    show("mixed", mixed);
    close(there[0]);
    close(there[1]);
}

static void *write_later(void *argument)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    if (argument)
        write(there[1], "later", 5);
    else
        close(there[1]);
    return NULL;
}

static void show_poll(const char *what, struct pollfd *list, unsigned long count, int milliseconds)
{
    const long ready = poll(list, count, milliseconds);
    printf("%s: %ld", what, ready);
    for (unsigned long i = 0; i < count; i++)
        printf(" %x", list[i].revents);
    puts("");
}

static void polls(void)
{
    pthread_t thread;
    int other[2];
    char text[8];
    pipe(there);
    pipe(other);
    struct pollfd list[] = {{there[0], POLLIN, 0}, {other[0], POLLIN, 0}, {-1, POLLIN, 0}, {other[1], POLLIN, 0}};
    show_poll("nothing", list, 4, 0);
    long long before = now();
    show_poll("nothing for a while", list, 4, 30);
    show("not early", now() - before >= 30000000);
    pthread_create(&thread, NULL, write_later, (void *)1);
    show_poll("something later", list, 4, -1);
    pthread_join(thread, NULL);
    show_poll("it stays", list, 4, 5000);
    show_bytes("it is", text, read(there[0], text, 8));
    list[3].events = POLLOUT;
    show_poll("can be written", list, 4, -1);
    list[3].events = 0;
    pthread_create(&thread, NULL, write_later, NULL);
    show_poll("the writer goes", list, 4, -1);
    pthread_join(thread, NULL);
    list[1].fd = 60;
    show_poll("not open", list, 4, 0);
    list[1].fd = other[0];
    write(other[1], "x", 1);
    show_poll("both", list, 4, -1);
    close(there[0]);
    close(other[0]);
    show_poll("the reader is gone", &list[3], 1, -1);
    close(other[1]);
    before = now();
    show_poll("of none", NULL, 0, 10);
    show("not early", now() - before >= 10000000);
    const struct timespec wrong = {0, 1000000000};
    show("wrong time", ppoll(NULL, 0, &wrong, NULL));
    pipe(there);
    list[0].fd = there[0];
    long failed = 0;
    for (unsigned i = 0; i < 3000; i++) { /* nothing is left of them */
        failed += poll(list, 1, 0) != 0;
        if (i % 10 == 0)
            failed += ppoll(list, 1, &(struct timespec){0, 1000}, NULL) != 0;
    }
    show("failed", failed);
    close(there[0]);
    close(there[1]);
}

static void selects(void)
{
    fd_set reads, writes, excepts;
    struct timeval time = {0, 10000};
    pthread_t thread;
    pipe(there);
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_ZERO(&excepts);
    FD_SET(there[0], &reads);
    FD_SET(there[1], &writes);
    FD_SET(there[0], &excepts);
    show("select", select(there[1] + 1, &reads, &writes, &excepts, NULL));
    printf("sets: %d %d %d\n", !!FD_ISSET(there[0], &reads), !!FD_ISSET(there[1], &writes), !!FD_ISSET(there[0], &excepts));
    FD_SET(there[0], &reads);
    show("select of nothing ready", select(there[0] + 1, &reads, NULL, NULL, &time));
    show("its set", !!FD_ISSET(there[0], &reads));
    FD_SET(there[0], &reads);
    pthread_create(&thread, NULL, write_later, (void *)1);
    show("select later", pselect(there[0] + 1, &reads, NULL, NULL, NULL, NULL));
    pthread_join(thread, NULL);
    FD_SET(60, &reads);
    show("not open", select(61, &reads, NULL, NULL, NULL));
    time = (struct timeval){0, 5000};
    show("as a sleep", select(0, NULL, NULL, NULL, &time));
    close(there[0]);
    close(there[1]);
}

static void *interrupt(void *thread)
{
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void *cancel(void *thread)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    pthread_cancel(*(pthread_t *)thread);
    return NULL;
}

static void *read_for_ever(void *argument)
{
    char byte;
    read(there[0], &byte, 1);
    return argument;
}

static void interrupted(void)
{
    pthread_t self = pthread_self(), thread, other;
    char byte;
    void *result;
    const struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGUSR1, &action, NULL);
    pipe(there);
    signals = 0;
    pthread_create(&thread, NULL, interrupt, &self);
    show("read is interrupted", read(there[0], &byte, 1));
    pthread_join(thread, NULL);
    struct pollfd one = {there[0], POLLIN, 0};
    pthread_create(&thread, NULL, interrupt, &self);
    show("poll is interrupted", poll(&one, 1, -1));
    pthread_join(thread, NULL);
    sigset_t none, usr1;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    pthread_kill(self, SIGUSR1); /* it waits for the mask of ppoll */
    show("signals", signals);
    show("ppoll takes it", ppoll(&one, 1, NULL, &none));
    show("signals", signals);
    pthread_kill(self, SIGUSR1);
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(there[0], &reads);
    show("pselect takes it", pselect(there[0] + 1, &reads, NULL, NULL, NULL, &none));
    show("signals", signals);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    pthread_create(&other, NULL, read_for_ever, NULL);
    pthread_create(&thread, NULL, cancel, &other);
    pthread_join(other, &result);
    show("cancelled while it read", result == PTHREAD_CANCELED);
    pthread_join(thread, NULL);
    close(there[0]);
    close(there[1]);
}

static void counters(void)
{
    eventfd_t value = 0;
    const int counter = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    struct pollfd one = {counter, POLLIN | POLLOUT, 0};
    show_poll("counter", &one, 1, 0);
    show("adds", eventfd_write(counter, 4));
    show("takes", eventfd_read(counter, &value));
    show("so many", (long)value);
    show("takes none", eventfd_read(counter, &value));
    show_poll("empty", &one, 1, 0);
    show("too short", read(counter, &value, 4));
    show("takes one", eventfd_read(semaphore, &value));
    show("so many", (long)value);
    show("takes one", eventfd_read(semaphore, &value));
    show("takes none", eventfd_read(semaphore, &value));
    close(counter);
    close(semaphore);
}

static void many(void)
{
    int ends[2];
    long failed = 0;
    for (unsigned i = 0; i < 300; i++) {
        failed += pipe(ends) != 0;
        failed += write(ends[1], "x", 1) != 1;
        failed += close(ends[i % 2]) != 0;
        failed += close(ends[!(i % 2)]) != 0;
    }
    show("failed of many", failed);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    one_thread();
    duplicates();
    full();
    broken();
    two_threads();
    records();
    polls();
    selects();
    interrupted();
    counters();
    many();
    puts("done");
    return 0;
}
