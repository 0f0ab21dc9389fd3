/* The dynamic linker core: the objects of one address space, from the program's start to its last close.
 *
 * It knows ELF and nothing of the system that it runs on. The host gives memory, finds files, chooses
 * addresses and provides memory for writable segments; relocated slots are stored through those staging buffers,
 * so the address space that is linked may be another one than the linker's own. Read-only segments are never
 * written and never copied: the host maps them from wherever the file's bytes lie.
 *
 * The phases of a start, in this order; each returns false after at least one report:
 *
 *     link_init       an empty address space
 *     link_load       the program, then its DT_NEEDED closure, breadth first; versions are checked
 *     link_place      asks the host for load biases and for staging buffers, fills these from the files
 *     link_relocate   lays out thread-local storage, binds symbols, stores slots
 *     link_order      the functions to call, in order
 *     link_commit     keeps what was loaded, and touches its staging buffers no more; or
 *     link_abandon    drops it again; the only call that may follow a failure
 *
 * Later, for each object that the running program opens: link_open, and if that loaded anything (link->results.fresh)
 * the phases from link_place on. To close: link_close lists the finalizers to call, link_sweep drops the
 * objects. A host lets only one of these run at a time in one link; two links do not know of each other.
 *
 * No global state, no recursion, no memory but the host's. Input is not trusted: every offset, size and
 * index of a file is checked before its first use, and the time that a link takes grows with its files' size.
 *
 * Sources: gABI 4.1 chapter 5; psABI of each machine; LSB (versions, GNU hash); Drepper, "ELF Handling For
 * Thread-Local Storage"; the run-time functions as glibc and POSIX describe them.
 */
#ifndef RTLD_LINK_H
#define RTLD_LINK_H
#include <rtld/ground.h>
#include <rtld/module.h>
#include <rtld/report.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Functions of the program that TLS descriptors lead to. Each gets the address of its descriptor in the
 * psABI's register and returns an offset from the thread pointer, made of the descriptor's second word. */
struct link_tls_descriptors {
    uint64_t fixed;    /* second word: the offset itself */
    uint64_t dynamic;  /* second word: module << 40 | offset within the module's block */
    uint64_t absent;   /* a weak symbol that nothing defines; second word: what the address shall be */
};

struct link_host {
    void *context;

    /* A block of *size bytes or more, aligned for any type, which need not be zero; sets *size to what it
     * is. NULL: none left. The core takes blocks for the objects of one open and for the time of one call. */
    void *(*memory)(void *context, uint64_t *size);
    void (*release)(void *context, void *block, uint64_t size);

    /* The file of a name that `referrer` needs (NULL: link_open's caller); false: there is none. */
    bool (*open)(void *context, const struct module *referrer, const char *name, struct file_view *file);
    /* Choose *bias, a multiple of module->align, so that [low, high) + bias is free. ET_EXEC is not asked. */
    bool (*place)(void *context, const struct module *module, uint64_t *bias);
    /* The staging buffer of a writable segment: zeroed memory for pages_size bytes; NULL: none left. What is there
     * after the link is what belongs at the segment's page_address + bias. A host that maps the file's contents
     * there itself sets *filled. */
    void *(*stage)(void *context, const struct module *module, const struct segment *segment, bool *filled);
    /* The module goes: unmap it, close its file. May be NULL. */
    void (*drop)(void *context, struct module *module);

    /* False: stop here. True: go on, to collect what else is wrong; the phase fails all the same. */
    bool (*report)(void *context, const struct report *report);
    /* Asked again and again by what takes long, in link_load to link_order: a host may do other things meanwhile, as long
     * as it leaves this link alone. False: give up; the phase fails without a report. May be NULL. */
    bool (*pause)(void *context);
    /* Each reference as it is bound. May be NULL. */
    void (*binding)(void *context, const struct link_binding *binding);
    /* Call a resolver of an indirect function (IFUNC), in a host that lives in the linked address space.
     * NULL: the program must, from results.pending_ifuncs, before its first constructor. */
    uint64_t (*call_resolver)(void *context, uint64_t resolver);

    /* A name that the host itself defines; NULL: it does not. The host comes last in the search order, after every
     * object, so objects' definitions go first and an undefined weak name is found here. `version` is what the
     * reference asks for, NULL: none. Of the answer st_value is the address, st_info the type, which is not STT_TLS:
     * references to thread-local data are not asked for. It must stay where it is. May be NULL. */
    const struct elf_symbol *(*define)(void *context, const char *name, const char *version);

    /* The functions that TLS descriptors lead to, in link_relocate, when the first descriptor is met: most programs have
     * none. May call link_find. What stays 0, and NULL for all: descriptors are refused. */
    void (*find_tls_descriptors)(void *context, struct link_tls_descriptors *functions);

    /* The function of the program that a call goes to whose function was not bound when its object was linked. It finds
     * on the stack what word 1 of the PLT's GOT holds (the address of that GOT), and the index of the relocation; link_bind
     * answers it. Asked like find_tls_descriptors. 0, and NULL: undefined functions are refused. */
    uint64_t (*find_lazy_resolver)(void *context);
};

/* A slot that a function of the program must still fill: *place = resolver() + addend. */
struct pending_ifunc {
    struct module *module;
    uint64_t place, resolver, addend;
};

struct link_cache;
struct link_cache_functions;

/* What the host sets, after link_init. */
struct link_settings {
    const struct link_host *host;     /* by link_init */

    /* Before link_load: objects to be searched right after the program, as if it needed them first. */
    const char *const *preload;
    size_t preload_count;

    /* Before link_load: what earlier links left (<rtld/cache.h>). NULL: each link begins with nothing. */
    struct link_cache *cache;
    const struct link_cache_functions *cache_functions;

    /* Before the first link_relocate: bytes of each thread's static block for objects that are opened later. */
    uint64_t tls_surplus;
    /* Between link_place and link_relocate; 0: the host's find_tls_descriptors is asked when the first one is met. */
    struct link_tls_descriptors tls_descriptors;

    /* Before link_load: functions of the program and its libraries are bound at their first call, defined or not, and so are
     * those of what is opened with LINK_OPEN_LAZY; but for objects that want them now (DF_BIND_NOW, DF_1_NOW), slots in
     * RELRO, and all that the object with the resolver needs. Without a resolver nothing waits. */
    bool lazy;
    uint64_t lazy_resolver;           /* likewise; 0: the host's find_lazy_resolver is asked */
};

/* What the host may read. */
struct link_results {
    struct module *first, *last;      /* in the order of loading; the first is the program */
    size_t module_count;
    struct module *fresh;             /* the first one that is not committed yet; NULL: none */

    /* Thread-local storage, from link_relocate on. A thread's static block has tls_size bytes below the thread pointer
     * (variant II) or from it upwards (variant I: tls_offset is positive), with the surplus. */
    uint64_t tls_size, tls_align;
    uint64_t tls_count;               /* the highest module id */
    uint64_t tls_generation;          /* counts opens and closes that changed modules */

    /* What the last link_order or link_close found: addresses in the linked address space, valid until the
     * next call. Finalizers of link_order are those of a program that ends. */
    uint64_t *initializers;
    size_t initializer_count;
    size_t own_initializer_count;     /* so many at the end are the program's own, for hosts that leave them to it */
    uint64_t *finalizers;
    size_t finalizer_count;
    /* The objects that these belong to, in the order of their start (module->initializer_count says how many of each
     * come); finalizers of the last one come first. */
    struct module **sorted;
    size_t sorted_count;
    /* What link_relocate left, in the order to call. */
    struct pending_ifunc *pending_ifuncs;
    size_t pending_ifunc_count;
};

/* The core's own: no host reads or writes it. */
struct link_state {
    struct module *global, *last_global; /* the global scope */
    bool bind_first, lazy;            /* LINK_OPEN_DEEPBIND, LINK_OPEN_LAZY for the fresh ones */
    bool lazy_all;                    /* and settings.lazy */
    uint64_t tls_used;                /* of tls_size */
    struct unique_symbol *unique;     /* STB_GNU_UNIQUE definitions in use */
    struct arena *scratch;            /* of the running call */
    size_t pending_ifunc_limit;
    struct module **searched;         /* search order of the fresh modules */
    size_t searched_count;
    struct symbol_index *index;       /* over `searched`, where it pays; while link_relocate runs */
    struct arena *index_arena;
};

struct link {
    struct link_settings settings;
    struct link_results results;
    struct ground ground;             /* made of the host's functions; the core's own from then on */
    struct link_state state;
};

void link_init(struct link *link, const struct link_host *host);
bool link_load(struct link *link, const char *name, const struct file_view *file);
bool link_place(struct link *link);
bool link_relocate(struct link *link);
bool link_order(struct link *link);
void link_commit(struct link *link);
void link_abandon(struct link *link);
/* Drop everything: the address space is gone. */
void link_end(struct link *link);

enum link_open_flags {
    LINK_OPEN_GLOBAL = 1,    /* its closure joins the global scope */
    LINK_OPEN_LOADED = 2,    /* only if it is loaded already (RTLD_NOLOAD) */
    LINK_OPEN_KEEP = 4,      /* never unload it (RTLD_NODELETE) */
    LINK_OPEN_DEEPBIND = 8,  /* its own closure is searched before the global scope */
    LINK_OPEN_LAZY = 16,     /* functions that nothing defines wait for their first call, unless their object wants them now */
};

/* The object of that name and its closure; NULL after a report. The name NULL is the program. */
struct module *link_open(struct link *link, const char *name, unsigned flags);
/* One open less. Marks what nothing uses any more and no module->pinned holds, and lists its finalizers; false: nothing
 * goes. Nothing opens what is marked until link_sweep. */
bool link_close(struct link *link, struct module *module);
/* Drop what link_close marked. */
void link_sweep(struct link *link);
/* The program ends: lists the finalizers of all objects. */
bool link_finish(struct link *link);

enum link_scope {
    LINK_SCOPE_DEFAULT,  /* the global scope, then that of `module`, the caller (RTLD_DEFAULT) */
    LINK_SCOPE_NEXT,     /* after `module`, the caller (RTLD_NEXT) */
    LINK_SCOPE_CLOSURE,  /* what was opened as `module`; the program's is the global scope */
};

struct link_symbol {
    const struct module *module;
    const struct elf_symbol *symbol;
    uint64_t address;    /* of thread-local data: its offset in the module's block */
};

/* A symbol by name; version NULL: the default one. STT_GNU_IFUNC and STT_TLS are left to the caller. */
bool link_find(const struct link *link, enum link_scope scope, const struct module *module, const char *name,
               const char *version, struct link_symbol *found);

/* The function of an entry of the module's DT_JMPREL that waited for its first call; symbol NULL and address 0: it is weak, and
 * nothing defines it. *place is the address of its slot; 0: the slot is read-only. False after a report. */
bool link_bind(struct link *link, struct module *module, uint64_t index, struct link_symbol *found, uint64_t *place);

/* The object, and the symbol, around an address of the linked address space; NULL: none. */
const struct module *link_module_at(const struct link *link, uint64_t address);

/* Store a debugger's rendezvous address (struct r_debug) where the program's DT_DEBUG asks for it. */
void link_set_debugger(struct link *link, uint64_t address);

/* Where the program starts, in the linked address space. */
uint64_t link_entry(const struct link *link);
#endif
