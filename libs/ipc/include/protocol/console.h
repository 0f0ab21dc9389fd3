/* The console: text on the machine's log, each line headed by the name of the service that wrote it. A writer is the
 * process that looked the console up. */
#ifndef PROTOCOL_CONSOLE_H
#define PROTOCOL_CONSOLE_H
#include <ambilink/abi.h>

enum console_operation {
    CONSOLE_WRITE = 1, /* data: text */
};

int64_t console_write(handle_t console, const void *text, uint64_t size);
#endif
