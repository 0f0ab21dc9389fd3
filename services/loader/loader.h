/* The loader service's own types. */
#ifndef LOADER_H
#define LOADER_H
#include <ambilink/abi.h>
#include <bootimage/archive.h>
#include <rtld/link.h>
#include <stdbool.h>

#define WAITERS_MAX 8

struct module {
    char *name;
    uint64_t base, low, high;
    uint64_t shared, private; /* bytes */
};

/* A process that this service made. */
struct child {
    struct child *next;       /* in the order of their start */
    uint64_t number;
    const struct image_service *service;
    const char *name;
    handle_t process;
    enum { CHILD_RUNS, CHILD_EXITED, CHILD_FAULTED } state;
    int64_t exit_status;
    bool at_boot;             /* counts for the machine's verdict */
    struct module *modules;
    size_t module_count;
    handle_t waiters[WAITERS_MAX]; /* reply handles of LOADER_WAIT */
    size_t waiter_count;
};

struct loader {
    struct archive archive;
    bool *file_checked;       /* by file index: the digest was found right */
    struct child *children, **last;
    uint64_t next_number;
    handle_t endpoint;        /* requests to this service, and notices that a child ended */
    handle_t names;           /* endpoint of the service registry */
    uint64_t random;
    unsigned programs_running; /* of those started at boot that must end with status 0 */
    bool failed;
};

extern struct loader loader;

/* One line on the kernel's log. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

uint64_t random_word(void);

/* Make a process for a service, link its program there and let it run. NULL: failed, and was told on the log. */
struct child *child_start(const struct image_service *service, bool at_boot);
void child_ended(struct child *child, bool faulted, int64_t status);
struct child *child_find(uint64_t number);

/* Linking into another address space. */
struct remote {
    handle_t process;
    uint64_t next_address;    /* modules and stack go below it */
    const char *service;
    struct link link;
    struct window {
        handle_t memory;
        void *mapped;
        uint64_t size;
    } *windows;
    size_t window_count, window_limit;
};

/* Link the program into the process: everything is in place but not yet mapped there. */
bool remote_link(struct remote *remote, handle_t process, const char *service, const struct image_file *program);
/* Map what was linked, with its protections. */
bool remote_commit(struct remote *remote);
/* Give back windows; to be called in any case. */
void remote_finish(struct remote *remote);
/* An unused range of the process, `gap` bytes from its neighbours. */
uint64_t remote_reserve(struct remote *remote, uint64_t size, uint64_t align);

/* Write start block and stack; the initial stack pointer, or 0. */
uint64_t start_block_make(struct remote *remote, const struct child *child);

/* Answer requests for ever. */
_Noreturn void serve(void);
#endif
