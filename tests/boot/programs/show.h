/* What a call answered, as a line: for pipes.c, epoll.c, sockets.c and peers.c. */
#ifndef SHOW_H
#define SHOW_H
#include <errno.h>
#include <stdio.h>

static inline void show(const char *what, long result)
{
    printf("%s: %ld\n", what, result < 0 ? -errno : result);
}

static inline void show_bytes(const char *what, const char *bytes, long size)
{
    printf("%s: %ld '%.*s'\n", what, size < 0 ? -errno : size, size < 0 ? 0 : (int)size, bytes);
}
#endif
