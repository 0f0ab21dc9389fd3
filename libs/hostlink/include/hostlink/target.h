/* Linking an address space, the target: its program when it starts, and the objects that it opens and closes later.
 * libs/rtld binds and relocates; this places, maps and protects, and describes to the program what was loaded.
 *
 * A start:   target_init, target_link, target_describe, target_map, target_commit
 * An open:   target_open, and if that loaded anything (target->link.results.fresh) target_map; then target_commit
 * A close:   target_close, and when the program ran the finalizers target_sweep
 * The end:   target_end
 *
 * A program that another linker linked (the packer, an interpreter): target_init, target_adopt; target_relink before the
 * first open, close or look-up in target->link.
 *
 * A function of a start or open that fails gives back all that the start or open made, in the target and here, and the target
 * is as it was before: target_abandon does the same for a caller that gives up for a reason of its own, between any two of
 * the functions, before target_commit. The functions that the program must call (target->link's initializers, resolvers and
 * finalizers) are valid until the next call for this target.
 *
 * No static state: a linker and its targets belong to the caller. One linker links one target at a time. */
#ifndef HOSTLINK_TARGET_H
#define HOSTLINK_TARGET_H
#include <hostlink/host.h>
#include <hostlink/module_list.h>
#include <hostlink/shared_area.h>
#include <hostlink/start_block.h>
#include <rtld/cache.h>
#include <rtld/link.h>

#define TARGET_BATCH_MAX 32
#define TARGET_PRELOADS_MAX 8

/* Functions of the C library that TLS descriptors lead to; NULL: it has none. */
struct tls_descriptor_names {
    const char *fixed, *dynamic, *absent;
};

/* What all targets of a host share. */
struct linker {
    const struct target_host *host;
    uint64_t tls_surplus;                   /* bytes of each thread's block for objects that are opened later */
    struct tls_descriptor_names descriptors;
    const char *lazy_resolver;              /* its function for calls of functions that were not bound; NULL: it has none */
    struct link_cache cache;                /* where linker_use_cache was called */
    const struct link_cache_functions *cache_functions;
    void (*end_cache)(struct link_cache *cache, const struct link_host *host);
    size_t batch_count;                     /* mappings that wait for the next call of the host's map */
    struct target_mapping batch[TARGET_BATCH_MAX];
};

/* `descriptors`, lazy_resolver and tls_surplus are those of our C library; the caller may change them before a link. */
void linker_init(struct linker *linker, const struct target_host *host);
/* Keep what is read of libraries, and what they are bound to, from one target to the next (<rtld/cache.h>). The files' bytes
 * must stay where they are until linker_end. */
void linker_use_cache(struct linker *linker);
/* Give back the cache, with the context of any target. No target may be linked after it without linker_init. */
void linker_end(struct linker *linker, void *context);

/* Memory that is written here and read in the target. */
struct target_area {
    struct target_area *next; /* of the same target */
    struct shared_area at;
    struct staging staging;   /* size 0: none; this host lives in the target */
    uint64_t growth;          /* bytes from its start that may come when they are touched */
    unsigned prot;            /* the target's; where this host lives there, only when the area is closed or forgotten */
    unsigned modules;         /* that are described in it */
    bool is_mapped, is_reserved; /* by this library */
    uint64_t record_size;     /* of this record, as the host allocated it */
};

struct target {
    struct linker *linker;
    void *context;            /* for the host's functions */
    const char *preload[TARGET_PRELOADS_MAX];
    size_t preload_count;
    bool is_lazy;             /* set between target_init and target_link or target_relink: functions are bound at their first
                               * call, where linker->lazy_resolver is there */
    struct link link;         /* for reading; its phases are called by this library alone */
    struct link_host link_host;
    uint64_t next_address;    /* what the library places at the start lies below it */
    uint64_t opens_below;     /* and what it opens later below this; 0: nothing was opened yet */
    struct target_area *areas; /* newest first */
    struct target_area *block; /* of them: begins with struct start_info; NULL: not described */
    struct target_area block_area;
    struct start_link *list;  /* in it, here; NULL: none, or one that does not lie in the block */
    bool linked_elsewhere;    /* by another linker, and `link` does not know it yet */

    /* Of the start or open that is going on. */
    struct target_area *areas_before;
    struct target_area *opened; /* where the modules of an open will be described */
    struct staging staging;   /* for all writable segments; here NULL: not made */
    uint64_t staged;          /* bytes of it in use */
    uint64_t scratch_size;    /* while relinking: `staging` is a block of that size, mapped nowhere */
    size_t placed;            /* modules that reserved an address, */
    size_t filled;            /* writable segments that were mapped where they belong, */
    size_t mapped;            /* and other mappings of segments made, each in the order of modules and segments */
    size_t areas_mapped;      /* while target_map runs: areas, newest first */
    bool relinking, ending;
};

/* `top`: what is placed lies below it; 0: below a random address under TARGET_ADDRESS_TOP. Needs no undoing. A target must
 * not be moved: it leads to itself. */
#define TARGET_ADDRESS_TOP 0x500000000000
void target_init(struct target *target, struct linker *linker, void *context, uint64_t top);

/* Before target_link or target_relink: libraries to be searched right after the program, as if it needed them first, at
 * most TARGET_PRELOADS_MAX. The names must stay where they are. */
void target_preload(struct target *target, const char *const *names, size_t count);

/* Load the program and all that it needs, choose addresses, bind and relocate in memory that is not yet the target's (or,
 * where this host lives in the target, is); target->link has the functions to call. False: logged, given back. */
bool target_link(struct target *target, const char *name, const struct file_view *program);

/* Write the start block (<hostlink/start_block.h>); it is read-only in the target. `given`, pages that lie in the target
 * already, is used if it is large enough; may be NULL. The caller fills in the handles and what else is its own, before
 * target_map.
 * NULL: no memory, not logged, given back. */
struct start_info *target_describe(struct target *target, const struct shared_area *given);

/* Map what is fresh, and the areas that were made for it, with their protection. RELRO that must wait for resolvers stays writable: the program protects it.
 * False: logged, given back. */
bool target_map(struct target *target);

/* Keep it. What was opened joins the list of modules. */
void target_commit(struct target *target);
void target_abandon(struct target *target);

/* An object by name, as link_open has it; NULL is the program. NULL: logged, given back. */
struct module *target_open(struct target *target, const char *name, unsigned flags);
/* One open less; true: finalizers are to be run and objects will go. */
bool target_close(struct target *target, struct module *module);
/* Unmap what target_close marked, and take it out of the list of modules. */
void target_sweep(struct target *target);
/* Forget the target and give back all that this side holds of it. What is mapped there stays: the address space is gone, or
 * lives on without its linker. */
void target_end(struct target *target);

/* The target was linked elsewhere. `view`: this side's view of its start block, which lies at `address`; it belongs to the
 * target from here on. NULL: it has no block. */
void target_adopt(struct target *target, const struct staging *view, uint64_t address);
/* Find the list of modules of the block, which its writer may have changed, or not have written yet. */
void target_find_list(struct target *target);
/* Link once more what was linked elsewhere, at the addresses of its list, into memory that is thrown away: `link` then
 * knows the objects as if this linker had linked them. False: logged, and the target is as it was. */
bool target_relink(struct target *target, const char *name, const struct file_view *program);

/* A range of the target that nothing uses, away from its neighbours; 0: none. */
uint64_t target_reserve(struct target *target, uint64_t size, uint64_t align);

/* Zeroed memory of both sides; `size` is rounded up to pages, `prot` is the target's. To be called between target_link or
 * target_open and target_map, which maps it in the target. It goes with the start or open if that fails. NULL: no memory. */
struct target_area *target_area_make(struct target *target, uint64_t size, unsigned prot);
/* A stack, likewise, of which `used` bytes at its end are written here: pages that lie further down may come when the program
 * touches them. */
struct target_area *target_stack_make(struct target *target, uint64_t size, uint64_t used);
/* The same for the block of a program that was linked at build time: the caller copies it in, calls target_find_list, and
 * maps the program by target_batch_add; then target_map and target_commit. */
struct target_area *target_block_make(struct target *target, uint64_t address, uint64_t size);
/* After target_map: this side needs it no more, the target keeps its mapping. */
void target_area_close(struct target *target, struct target_area *area);
/* Neither side needs it. */
void target_area_free(struct target *target, struct target_area *area);

/* Staging memory of `size` bytes for a program that the caller maps by itself, e.g. one that was linked at build time; NULL:
 * none. Given back by target_commit or target_abandon. */
uint8_t *target_stage(struct target *target, uint64_t size);
/* One more mapping of the caller's own, made when the batch is full, or by target_map. False: the host logged why. What was
 * made of the caller's own is the caller's to unmap. */
bool target_batch_add(struct target *target, const struct target_mapping *mapping);
#endif
