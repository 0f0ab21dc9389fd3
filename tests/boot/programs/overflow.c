/* A thread, or with the argument "main" the first one, calls itself for ever. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>

static volatile int ever = 1;

static int descend(int depth)
{
    volatile char here[500];
    here[0] = (char)depth;
    return ever ? descend(depth + 1) + here[0] : 0;
}

static void *begin(void *name)
{
    pthread_setname_np(pthread_self(), name);
    descend(0);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t thread;
    if (count > 1 && !strcmp(arguments[1], "main"))
        begin("first");
    pthread_create(&thread, NULL, begin, "worker");
    pthread_join(thread, NULL);
    return 0;
}
