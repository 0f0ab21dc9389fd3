/* Waits for keys beside a pipe; reads what poll() says is there. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static int ends[2];

static void *write_later(void *argument)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    write(ends[1], "x", 1);
    return argument;
}

int main(void)
{
    char key = 0;
    pthread_t thread;
    pipe(ends);
    struct pollfd list[] = {{0, POLLIN, 0}, {ends[0], POLLIN, 0}};
    for (unsigned i = 0; i < 100; i++) /* nothing is left of them */
        if (poll(list, 2, i % 2))
            puts("failed: there is no key");
    pthread_create(&thread, NULL, write_later, NULL);
    printf("the pipe: %d", poll(list, 2, -1));
    printf(" %x %x\n", list[0].revents, list[1].revents);
    pthread_join(thread, NULL);
    read(ends[0], &key, 1);
    puts("press two keys");
    printf("a key: %d", poll(list, 2, -1));
    printf(" %x %x", list[0].revents, list[1].revents);
    printf(" %ld %c\n", (long)read(0, &key, 1), key);
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(0, &reads);
    printf("select: %d", select(1, &reads, NULL, NULL, NULL));
    printf(" %ld %c\n", (long)read(0, &key, 1), key);
    return 0;
}
