/* The loader service: start programs, say what is loaded where. */
#ifndef PROTOCOL_LOADER_H
#define PROTOCOL_LOADER_H
#include <ambilink/abi.h>

enum loader_operation {
    LOADER_START = 1, /* data: service name; reply word 1: process number */
    LOADER_WAIT,      /* word 1: process number; reply, when it ended: word 1 state, word 2 exit status */
    LOADER_MODULES,   /* word 1: process number, word 2: index from 0; reply data: struct loader_module */
    LOADER_PROCESS,   /* word 1: index from 0; reply word 1: process number, data: its name */
};

#define LOADER_NAME_MAX 64

struct loader_module {
    uint64_t base;      /* load bias */
    uint64_t size;      /* bytes of address space from the lowest to the highest segment */
    uint64_t shared;    /* bytes mapped from the image's own frames */
    uint64_t private;   /* bytes in frames of this process alone */
    char name[LOADER_NAME_MAX];
};

/* The number of the new process, or a status. */
int64_t loader_start(const char *service);
/* Waits until the process ended; its exit status in *exit_status. */
int64_t loader_wait(uint64_t process, int64_t *exit_status);
/* STATUS_NOT_FOUND after the last one. */
int64_t loader_module(uint64_t process, uint64_t index, struct loader_module *module);
int64_t loader_process(uint64_t index, uint64_t *process, char name[PROCESS_NAME_MAX]);
#endif
