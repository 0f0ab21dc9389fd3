/* A loader for another system: it links programs with their libraries in processes of their own, and starts them.
 *
 *     loader_init                          once
 *     loader_start                         a process for a program: linked, mapped, its first thread begun
 *     loader_open, _symbol, _close, _sweep what a running program asks for (dlopen and its relatives)
 *     loader_end                           the process has ended, or shall end
 *     loader_finish                        once, when all processes have been ended
 *
 * How a request or the news of an end comes to the loader is the system's own; the kit needs nothing of it. No static state: the
 * structs belong to the caller. One thread at a time uses a loader and its processes. */
#ifndef LOADERKIT_LOADER_H
#define LOADERKIT_LOADER_H
#include <hostlink/target.h>
#include <loaderkit/port.h>

#define LOADER_MESSAGE_MAX 512

struct loader {
    const struct loader_port *port;
    void *context;
    struct target_host host;
    struct linker linker;

    /* loader_init sets these; the caller may change them before a start. */
    uint64_t thread_control_size; /* bytes from the thread pointer on for the C library's own record; its first word is the
                                     pointer itself (x86-64). 0: the program makes its first thread's block by itself */
    uint64_t address_top;         /* objects and stacks are placed below it; 0: below TARGET_ADDRESS_TOP */
};

struct loader_program {
    const char *name;             /* for the port's `find`; of the process, and argv[0] */
    uint64_t stack_size;          /* 0: 64 KiB */
    const char *const *arguments; /* after the name */
    uint64_t argument_count;
    const char *const *environment;
    uint64_t environment_count;
};

/* Must not be moved while the process lives. */
struct loader_process {
    struct loader *loader;
    uint64_t id;                  /* as process_make set it */
    bool is_made;                 /* the process is there */
    const struct loader_program *program; /* while it is started */
    struct target target;
    char name[64];
    char message[LOADER_MESSAGE_MAX]; /* the last line that was logged for it, e.g. for dlerror; "" at first */
};

void loader_init(struct loader *loader, const struct loader_port *port, void *context);
/* Between loader_init and the first start: libraries are parsed once, and their bindings are kept from the second program on
 * (<rtld/cache.h>). Files' bytes must then stay as they are until loader_finish. */
void loader_use_cache(struct loader *loader);
void loader_finish(struct loader *loader);

/* False: logged; there is no process, and all was given back. The caller then need not call loader_end, but may. */
bool loader_start(struct loader *loader, struct loader_process *process, const struct loader_program *program);
/* The process ends, if it has not ended, and all that the loader holds of it is given back. */
void loader_end(struct loader_process *process);

/* What an open leaves to do in the process, in this order: resolvers, initializers. Valid until the next call. */
struct loader_opened {
    uint64_t handle;
    const struct pending_ifunc *resolvers; /* *place = resolver() + addend */
    size_t resolver_count;
    const uint64_t *initializers;
    size_t initializer_count;
    const struct module *first;   /* of those that came with it, to the last of ->next; NULL: all were loaded before */
};

/* `flags`: LINK_OPEN_... of <rtld/link.h>. The name NULL is the program. False: the message says why. */
bool loader_open(struct loader_process *process, const char *name, unsigned flags, struct loader_opened *opened);
/* A symbol of what was opened and of its needs; handle 0: of all that is global. False: there is none. */
bool loader_symbol(struct loader_process *process, uint64_t handle, const char *name, struct link_symbol *found);
/* One open less. True: `finalizers` are to be run in the process, then comes loader_sweep. False: nothing goes. */
bool loader_close(struct loader_process *process, uint64_t handle, const uint64_t **finalizers, size_t *count);
void loader_sweep(struct loader_process *process);

/* The initial contents of a module's thread-local storage; false: there is no such module. */
bool loader_tls(const struct loader_process *process, uint64_t module, struct start_tls *tls);
#endif
