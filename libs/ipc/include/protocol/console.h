/* The console: lines of text, each headed by who wrote it. */
#ifndef PROTOCOL_CONSOLE_H
#define PROTOCOL_CONSOLE_H
#include <ambilink/abi.h>

enum console_operation {
    CONSOLE_OPEN = 1, /* data: the writer's name; reply handle: an endpoint for CONSOLE_WRITE */
    CONSOLE_WRITE,    /* data: text */
};

/* A handle to write with, or a status. */
int64_t console_open(handle_t console, const char *name);
int64_t console_write(handle_t writer, const void *text, uint64_t size);
#endif
