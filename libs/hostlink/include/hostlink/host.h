/* What a linker needs of the system that it runs on: one table of functions, the same for every address space ("target")
 * that it links. Nothing in this library calls the system but through it.
 *
 * Each function gets the context of its target (target_init). The library calls them only while one of its own functions
 * runs, and never two at a time. What a function made and reported is the library's to give back, exactly once; what it
 * could not make whole it gives back itself. A function may log why it fails; the library logs no second reason.
 *
 * There are two kinds of hosts. One links another address space: it stages writable memory, where this side writes and
 * which is mapped in the target later. One lives in the target: its `stage` is NULL, and writable memory is mapped
 * (TARGET_ZERO) where it belongs before anything is written there. */
#ifndef HOSTLINK_HOST_H
#define HOSTLINK_HOST_H
#include <ambilink/page.h> /* PROT_... */
#include <rtld/module.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory that this side writes and that can be mapped in a target. */
struct staging {
    uint8_t *here;   /* set by the host: `size` bytes, page-aligned */
    uint64_t size;   /* whole pages */
    uint64_t id;     /* the host's own, e.g. a handle */
    uint64_t growth; /* of `size`, so many bytes from the start may be given when they are touched; 0: none */
};

enum target_source {
    TARGET_FILE,     /* pages of a file, which are never written: the same frames for every target where the host can */
    TARGET_STAGED,   /* pages of staging memory, shared with this side's view */
    TARGET_ZERO,     /* fresh zeroed pages, in a host that lives in the target */
};

struct target_mapping {
    uint64_t address, size;         /* in the target; whole pages */
    uint64_t offset;                /* in the source; whole pages */
    enum target_source source;
    unsigned prot;                  /* PROT_... */
    const struct file_view *file;   /* TARGET_FILE, else undefined. The last page of a file may be asked for beyond its end: zero bytes */
    const struct staging *staging;  /* TARGET_STAGED, else undefined */
    const char *name;               /* the object whose it is, for messages; NULL: a start block, a stack */
    size_t *made;                   /* the library's own */
};

struct target_host {
    /* A block of *size bytes or more for this side's own records, aligned for any type, which need not be zero; sets *size
     * to what it is. NULL: none left. Blocks are released with the size that was set: those of a link cache by linker_end,
     * all others by target_end at the latest. */
    void *(*allocate)(void *context, uint64_t *size);
    void (*release)(void *context, void *block, uint64_t size);

    /* The file of a name that `referrer` needs (NULL: what target_open was asked for). False: there is none, or it is not
     * to be trusted. Its bytes stay as they are while a module of it is loaded, with a link cache until linker_end. */
    bool (*open)(void *context, const struct module *referrer, const char *name, struct file_view *file);

    /* The module lies in the target already, mapped and writable, with its bytes in place: set *bias. False: it does not.
     * May be asked twice for the same module, and answers the same. NULL: none does. */
    bool (*find)(void *context, const struct module *module, uint64_t *bias);

    /* An unused range of the target: its address, a multiple of align; 0: none. NULL, both: the library chooses, downwards
     * from target->next_address with random gaps. `unreserve` follows when nothing is mapped there any more. */
    uint64_t (*reserve)(void *context, uint64_t size, uint64_t align);
    void (*unreserve)(void *context, uint64_t address, uint64_t size);

    /* Make staging->size bytes of staging memory: set here and id. False: no memory. NULL, both: this host lives in the
     * target. `unstage` gives back this side's view and the host's hold on it; mappings of it in a target stay. */
    bool (*stage)(void *context, struct staging *staging);
    void (*unstage)(void *context, const struct staging *staging);
    /* Mapping staging memory moves its pages: from then on this side does not use the view, though `unstage` follows all the
     * same. The list of modules cannot be changed then: what the program opens later is not in it. */
    bool moves;

    /* Map in the target, in order, where nothing is mapped; returns how many were made. Fewer than `count`: the host logged
     * why the next one was not, and made nothing of it. */
    size_t (*map)(void *context, const struct target_mapping *mappings, size_t count);
    /* The pages of one mapping, or of several whole ones beside each other. */
    void (*unmap)(void *context, uint64_t address, uint64_t size);
    /* Of pages that are mapped. False: not possible. */
    bool (*protect)(void *context, uint64_t address, uint64_t size, unsigned prot);

    /* A name that no object defines and the host does (struct link_host in <rtld/link.h>): its symbol; NULL: not this one
     * either. May be NULL. */
    const struct elf_symbol *(*define)(void *context, const char *name, const char *version);

    /* Called again and again while the host's own data is in order: it may do other things meanwhile, but for calls of this
     * library with this linker or a target of it. False: give up; the function fails, without a message. May be NULL. */
    bool (*pause)(void *context);

    /* 64 bits that a stranger cannot guess: addresses depend on them. */
    uint64_t (*random)(void *context);
    /* One line, without a line end, about what is wrong with a target's files or memory. True: go on, to log what else is
     * wrong; the call fails all the same. False: stop at this one. */
    bool (*log)(void *context, const char *text);
};
#endif
