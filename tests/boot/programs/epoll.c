/* epoll: what calls answer. The judge is Linux. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "show.h"

static int there[2];

static void *write_later(void *argument)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    write(there[1], "later", 5);
    return argument;
}

static void show_epoll(const char *what, int set, int milliseconds)
{
    struct epoll_event events[4];
    const long ready = epoll_wait(set, events, 4, milliseconds);
    printf("%s: %ld", what, ready < 0 ? -errno : ready);
    for (long i = 0; i < ready; i++)
        printf(" %x of %u", events[i].events, events[i].data.u32);
    puts("");
}

static void epolls(void)
{
    int one[2], two[2];
    char byte;
    pthread_t thread;
    pipe(one);
    pipe(there);
    const int set = epoll_create1(EPOLL_CLOEXEC);
    show("close on exec", fcntl(set, F_GETFD));
    struct epoll_event event = {EPOLLIN, {.u32 = 1}};
    show("adds", epoll_ctl(set, EPOLL_CTL_ADD, one[0], &event));
    show("adds again", epoll_ctl(set, EPOLL_CTL_ADD, one[0], &event));
    show("adds itself", epoll_ctl(set, EPOLL_CTL_ADD, set, &event));
    show("adds none", epoll_ctl(set, EPOLL_CTL_ADD, 60, &event));
    show("changes none", epoll_ctl(set, EPOLL_CTL_MOD, there[0], &event));
    show("to a pipe", epoll_ctl(one[0], EPOLL_CTL_ADD, there[0], &event));
    event = (struct epoll_event){EPOLLIN | EPOLLONESHOT, {.u32 = 2}};
    show("adds", epoll_ctl(set, EPOLL_CTL_ADD, there[0], &event));
    show_epoll("nothing", set, 0);
    show_epoll("nothing for a while", set, 10);
    write(one[1], "x", 1);
    show_epoll("one", set, -1);
    show_epoll("it stays", set, -1);
    pthread_create(&thread, NULL, write_later, NULL);
    read(one[0], &byte, 1);
    show_epoll("the other, later", set, -1);
    pthread_join(thread, NULL);
    show_epoll("once", set, 0);
    show("again", epoll_ctl(set, EPOLL_CTL_MOD, there[0], &event));
    show_epoll("again", set, 0);
    event = (struct epoll_event){EPOLLOUT, {.u32 = 3}};
    show("adds a writer", epoll_ctl(set, EPOLL_CTL_ADD, one[1], &event));
    show_epoll("can be written", set, -1);
    show("removes", epoll_ctl(set, EPOLL_CTL_DEL, one[1], NULL));
    show("removes again", epoll_ctl(set, EPOLL_CTL_DEL, one[1], NULL));
    close(one[1]);
    show_epoll("its writer is gone", set, -1);
    close(one[0]);
    show_epoll("closed", set, 0);
    show("no room", epoll_wait(set, NULL, 0, 0));
    close(there[0]);
    close(there[1]);
    const int copy = dup(set);
    close(set);
    show_epoll("by a copy", copy, 0);
    close(copy);
    long failed = 0;
    for (unsigned i = 0; i < 50; i++) {
        failed += (two[0] = epoll_create1(0)) < 0;
        close(two[0]);
    }
    show("failed", failed);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    epolls();
    puts("done");
    return 0;
}
