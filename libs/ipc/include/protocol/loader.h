/* The loader service: start programs, say what is loaded where. */
#ifndef PROTOCOL_LOADER_H
#define PROTOCOL_LOADER_H
#include <stdint.h>

enum loader_operation {
    LOADER_START = 1, /* data: service name; reply word 1: process number */
    LOADER_WAIT,      /* word 1: process number; reply, when it ended: word 1 state, word 2 exit status */
    LOADER_MODULES,   /* word 1: process number, word 2: index from 0; reply data: struct loader_module */
    LOADER_PROCESS,   /* word 1: index from 0; reply word 1: process number, word 2: state, word 3: exit status,
                         data: its name */

    /* The caller's own objects; data in is a name, NUL-terminated, after it a second one where there is one. */
    LOADER_OPEN,      /* word 1: LOADER_OPEN_..., data: name ("": the program); reply: struct loader_opened in word 1 on,
                         data: struct start_resolver[], struct start_range[], struct loader_object[] in the order of
                         their start, and of each the addresses of its initializers, then of its finalizers; or a message */
    LOADER_CLOSE,     /* word 1: handle, data: handles of objects that stay, LOADER_PINS_MAX at most; reply word 1: 1
                         if anything goes, data: handles of what goes, in the order to call finalizers */
    LOADER_SWEEP,     /* when those ran: unmap what goes */
    LOADER_SYMBOL,    /* word 1: enum loader_scope, word 2: handle or caller's address, data: symbol and version;
                         reply: struct loader_symbol in word 1 on */
    LOADER_ADDRESS,   /* word 1: address; reply word 1: handle of its object, word 2: name and word 3: address of the
                         symbol, 0 where there is none */

    LOADER_STOP,      /* word 1: process number; the caller needs the manifest's grant `control` */
    LOADER_SERVICE,   /* word 1: index from 0 of a service of the image; reply data: its name */
};

enum loader_state { LOADER_RUNS, LOADER_EXITED, LOADER_FAULTED, LOADER_STOPPED };

/* A handle is the address of the object's struct start_module. */

enum loader_open_flags { /* as <rtld/link.h> has them */
    LOADER_OPEN_GLOBAL = 1,
    LOADER_OPEN_LOADED = 2,
    LOADER_OPEN_KEEP = 4,
    LOADER_OPEN_DEEPBIND = 8,
};

enum loader_scope { LOADER_SCOPE_DEFAULT, LOADER_SCOPE_NEXT, LOADER_SCOPE_CLOSURE };

struct loader_opened {
    uint64_t handle, object_count, resolver_count, relro_count;
};

struct loader_object {
    uint64_t handle, initializer_count, finalizer_count;
};

#define LOADER_PINS_MAX 256

struct loader_symbol {
    uint64_t address;   /* of thread-local data: the offset in its module's block */
    uint64_t module;    /* of thread-local data; 0: other */
    uint64_t indirect;  /* 1: the address is that of a function which returns the address */
};

#define LOADER_NAME_MAX 64
#define LOADER_PROCESS_NAME_MAX 32 /* bytes, the closing NUL included */
#define LOADER_SYMBOL_MAX 4096 /* bytes of a symbol's name with its version */
#define LOADER_REPLY_MAX 65536

struct loader_module {
    uint64_t base;      /* load bias */
    uint64_t size;      /* bytes of address space from the lowest to the highest segment */
    uint64_t read_only; /* bytes of its segments */
    uint64_t writable;
    char name[LOADER_NAME_MAX];
};

/* The number of the new process, or a status. */
int64_t loader_start(const char *service);
/* Waits until the process ended; its exit status in *exit_status. */
int64_t loader_wait(uint64_t process, int64_t *exit_status);
/* STATUS_NOT_FOUND after the last one. */
int64_t loader_module(uint64_t process, uint64_t index, struct loader_module *module);
int64_t loader_process(uint64_t index, uint64_t *process, char name[LOADER_PROCESS_NAME_MAX]);

struct loader_status {
    uint64_t number, state; /* enum loader_state */
    int64_t exit_status;
    char name[LOADER_PROCESS_NAME_MAX];
};
/* As loader_process, and what became of it. */
int64_t loader_status(uint64_t index, struct loader_status *status);
int64_t loader_service(uint64_t index, char name[LOADER_PROCESS_NAME_MAX]);
/* End a process of the loader service; its waiters are answered. STATUS_NO_RIGHT, STATUS_NOT_FOUND,
 * STATUS_PEER_GONE: it has ended. */
int64_t loader_stop(uint64_t process);

/* In `reply`, what the operation says above; a refusal's message is NUL-terminated. `size`: bytes. */
int64_t loader_open(const char *name, uint64_t flags, struct loader_opened *opened, void *reply, uint64_t *size);
int64_t loader_close(uint64_t handle, const uint64_t *pins, uint64_t pin_count, uint64_t *handles, uint64_t *size);
int64_t loader_sweep(void);
/* version may be NULL. */
int64_t loader_symbol(enum loader_scope scope, uint64_t where, const char *name, const char *version,
                      struct loader_symbol *symbol);
int64_t loader_address(uint64_t address, uint64_t *handle, uint64_t *name, uint64_t *symbol);
#endif
