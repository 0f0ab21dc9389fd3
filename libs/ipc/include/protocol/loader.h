/* The loader service: start programs, say what is loaded where. */
#ifndef PROTOCOL_LOADER_H
#define PROTOCOL_LOADER_H
#include <stdint.h>

enum loader_operation {
    LOADER_START = 1, /* data: service name, which the manifest must list in the caller's `starts`; reply word 1: process
                         number. One handle may come along, which the process gets when it asks (LOADER_GIVEN) */
    LOADER_WAIT,      /* word 1: process number, 0: any that the caller started, each once; reply, when it ended: word 1
                         state, word 2 exit status, word 3 number; STATUS_NOT_FOUND */
    LOADER_MODULES,   /* word 1: process number, word 2: index from 0; reply data: struct loader_module. Of other processes
                         than the caller's with the manifest's grant `inspect` */
    LOADER_PROCESS,   /* word 1: index from 0; reply word 1: process number, word 2: state, word 3: exit status,
                         word 4: who started it, 0: no process that runs, data: its name */

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
    LOADER_DESCRIBE,  /* word 1: process number; reply as of LOADER_PROCESS */

    /* The registry's: who may register what is the manifest's business. */
    LOADER_REGISTER,  /* word 1: number of the process that registers, word 2: 1 if the name's endpoint is dead, data: name;
                         STATUS_NO_RIGHT, STATUS_OVERLAP: a process that runs has registered it */
    LOADER_UNREGISTER, /* data: a name whose endpoint is dead */

    LOADER_AWAIT,     /* data: a name; reply, when it is registered. STATUS_NOT_FOUND: no service of the manifest registers it;
                         STATUS_PEER_GONE: none that could will run any more */

    LOADER_BIND,      /* a function that waited for its first call; word 1: an address in its caller's object, word 2: index
                         into that one's DT_JMPREL; reply word 1: address, word 2: 1 as in struct loader_symbol, word 3:
                         address of the slot, 0 where it is read-only; STATUS_NOT_FOUND: data says why */

    LOADER_SIGNAL,    /* word 1: process number, word 2: signal, 0: none is sent. Of processes that the caller did not start with
                         the manifest's grant `control`. STATUS_NOT_FOUND, STATUS_PEER_GONE, STATUS_NO_RIGHT, STATUS_INVALID */
    LOADER_GIVEN,     /* reply: the handle that the caller's starter gave it; STATUS_NOT_FOUND: none */
};

/* LOADER_SIGNALLED: by a signal, whose number is the exit status. */
enum loader_state { LOADER_RUNS, LOADER_EXITED, LOADER_FAULTED, LOADER_STOPPED, LOADER_SIGNALLED };

/* A handle is the address of the object's struct start_module. */

enum loader_open_flags { /* as <rtld/link.h> has them */
    LOADER_OPEN_GLOBAL = 1,
    LOADER_OPEN_LOADED = 2,
    LOADER_OPEN_KEEP = 4,
    LOADER_OPEN_DEEPBIND = 8,
    LOADER_OPEN_LAZY = 16,
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

/* For each client. */
#define LOADER_STARTED_MAX 64 /* processes that it started and that run */
#define LOADER_ENDED_MAX 16   /* such that ended and are remembered */
#define LOADER_WAITS_MAX 16   /* requests that wait: LOADER_WAIT, LOADER_AWAIT */

struct loader_module {
    uint64_t base;      /* load bias */
    uint64_t size;      /* bytes of address space from the lowest to the highest segment */
    uint64_t read_only; /* bytes of its segments */
    uint64_t writable;
    char name[LOADER_NAME_MAX];
};

/* The number of the new process, or a status: STATUS_NO_RIGHT, STATUS_LIMIT: too many that this process started run. */
int64_t loader_start(const char *service);
/* Waits until the process ended; its exit status in *exit_status. The loader service remembers the last
 * LOADER_ENDED_MAX that ended of those that a process started: STATUS_NOT_FOUND for others. */
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
/* By number. STATUS_NOT_FOUND: there is none, or it ended and is forgotten. */
int64_t loader_describe(uint64_t process, struct loader_status *status);
int64_t loader_service(uint64_t index, char name[LOADER_PROCESS_NAME_MAX]);
/* For the registry. */
int64_t loader_register(uint64_t process, const char *name, uint64_t is_dead);
int64_t loader_unregister(const char *name);
/* Returns when the name is registered, or with the status that LOADER_AWAIT says. */
int64_t loader_await(const char *name);

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
/* Of LOADER_BIND; `message` has why not. */
int64_t loader_bind(uint64_t address, uint64_t index, struct loader_symbol *function, uint64_t *slot, char *message,
                    uint64_t size);
int64_t loader_address(uint64_t address, uint64_t *handle, uint64_t *name, uint64_t *symbol);
#endif
