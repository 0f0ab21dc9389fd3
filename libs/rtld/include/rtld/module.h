/* One ELF file, read through its program headers and dynamic section. */
#ifndef RTLD_MODULE_H
#define RTLD_MODULE_H
#include <rtld/elf.h>
#include <rtld/file.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTLD_PAGE_SIZE 4096ull

/* One PT_LOAD. A page that two of them share belongs to the later one, as with mmap, and so do all bytes in it. */
struct segment {
    uint64_t address;           /* p_vaddr, or where the shared page begins */
    uint64_t memory_size, file_size, file_offset;
    uint64_t page_address;      /* where its pages begin, and their length; multiples of the page size */
    uint64_t pages_size;
    uint64_t relro_address, relro_size; /* whole pages of it to make read-only after relocation */
    uint32_t flags;             /* PF_... */
    const uint8_t *data;        /* file_size bytes, as in the file */
    uint8_t *staging;           /* writable segments from link_place to link_commit: pages_size bytes */
};

struct table {
    const void *data;
    uint64_t address; /* p_vaddr terms */
    uint64_t count;
};

/* A version that a module defines or needs, by its index in DT_VERSYM. */
struct version {
    const char *name;  /* NULL: no such index */
    const char *file;  /* who must define it; NULL: this module does */
    uint32_t hash;     /* gABI hash of the name */
    bool weak;         /* its absence is no error */
    bool hidden;       /* the reference insists on this very version */
    const struct version *definition; /* of a need: the one that it was checked against; NULL: none */
};

struct arena;

struct module {
    const char *name;
    const char *soname;          /* NULL without DT_SONAME */
    const char *rpath, *runpath; /* NULL without */
    struct file_view file;
    void *host_data;             /* the host's own */
    uint16_t type, machine;
    uint64_t entry;
    struct segment *segments;    /* ascending */
    unsigned segment_count;
    uint64_t low, high, align;   /* address space that the segments span, in p_vaddr terms */
    uint64_t bias;               /* add to p_vaddr; set by link_place */
    uint64_t headers_address, header_count; /* program headers in memory; 0: not in a segment */
    uint64_t dynamic_address;
    uint64_t debug_address;      /* of the word of DT_DEBUG; 0: none */
    bool executable_stack;       /* PT_GNU_STACK asks for it */
    const char *interpreter;     /* PT_INTERP; NULL: none */
    const uint8_t *build_id;     /* NULL: none */
    uint32_t build_id_size;
    uint32_t features;           /* GNU_PROPERTY_..._FEATURE_1_AND, e.g. IBT and SHSTK; 0: none */

    /* Tables of the dynamic section; count 0 where absent. */
    struct table symbols;        /* count: how many the segment could hold; checked at each use */
    struct table strings;        /* count: bytes, the last one NUL */
    struct table gnu_hash;       /* count: bytes to the end of the segment */
    struct table hash;
    struct table versym;         /* count: as many as could be */
    struct table verdef, verneed; /* count: entries; data: checked when link_load reads them */
    struct table rela, plt_rela, relr;
    uint64_t relative_count;     /* DT_RELACOUNT: so many at the start of rela name no symbol; a hint */
    struct table preinit_array, init_array, fini_array;
    uint64_t init, fini;         /* DT_INIT, DT_FINI; 0: none */
    uint64_t plt_got;            /* DT_PLTGOT: its words 1 and 2 are the linker's; 0: none */
    bool symbolic, nodelete, initfirst, pie, now; /* now: no function waits for its first call */
    struct version *versions;    /* by version index */
    uint32_t version_count;

    uint64_t tls_image, tls_image_size, tls_size, tls_align;
    uint64_t tls_module;         /* 0: no thread-local data */
    bool tls_is_static;          /* in the block that every thread has from its start */
    int64_t tls_offset;          /* of a static block's start from the thread pointer */
    uint64_t tls_generation;     /* of the link, when the module came */

    const char **needed_names;   /* DT_NEEDED, in order, and DT_FILTER, then DT_AUXILIARY, where the first of them is */
    struct module **needed;      /* when they are loaded: without auxiliary objects that are not there */
    uint64_t needed_count;
    uint32_t filter_first, filter_count; /* so many from there on are searched right before this one */
    uint32_t auxiliary_count;    /* so many of them need not be there; 0 when they are loaded */

    /* The link's own. */
    struct module *next;          /* order of loading */
    struct module *next_global;   /* order of the global scope */
    bool in_global, wants_global; /* in the global scope; DF_1_GLOBAL */
    bool initial;                /* loaded with the program, so for ever */
    bool bind_first;             /* its closure is searched before the global scope */
    bool unloading;              /* link_sweep takes it */
    bool committed;              /* its constructors were handed to the host */
    bool marked;                 /* a search or a sweep has seen it */
    bool visited;                /* so has its list of needed objects */
    bool has_needed;             /* what it needs is loaded */
    bool has_copies;             /* relocations that come when all others are done */
    bool is_cached;              /* an earlier link left its bindings */
    struct cached_module *cached; /* where this link finds them, or leaves them; NULL: nowhere */
    uint32_t name_hash, soname_hash;
    uint64_t opens;              /* link_open less link_close */
    struct module **closure;      /* itself and what it needs, breadth first; made when it is opened */
    uint64_t closure_count;
    struct module *root;          /* with whom it was loaded: whose closure it searches */
    struct dependence *dependences; /* objects outside of its closure that it was bound to */
    bool pinned;                 /* the host's: it does not go by link_close while this is set */
    size_t initializer_count;    /* of link_order's list; the program's PREINIT_ARRAY counts to the next object */
    uint64_t *finalizers;        /* its functions in the order to call them; made by link_order */
    size_t finalizer_count;
    struct arena *arena;
};

/* `size` file bytes at p_vaddr `address`, within one segment's file part; NULL: not there, or not aligned. */
const void *module_data(const struct module *module, uint64_t address, uint64_t size, uint64_t align);

/* The same in a writable segment's staging buffer (its whole memory, not only the file part). */
void *module_staged(const struct module *module, uint64_t address, uint64_t size);

/* The segment whose memory holds a p_vaddr; NULL: none. */
struct segment *module_segment(const struct module *module, uint64_t address);

/* A string of the dynamic string table; NULL when the offset lies outside. */
const char *module_string(const struct module *module, uint64_t offset);

/* A symbol by index; NULL when it lies outside the table. */
const struct elf_symbol *module_symbol(const struct module *module, uint64_t index);

/* How many symbols the hash table shows, local ones included; 0 without a hash table. */
uint64_t module_symbol_count(const struct module *module);

/* The version that a symbol is of, or asks for; NULL: none. */
const struct version *module_symbol_version(const struct module *module, uint64_t index);

/* The defined symbol around a p_vaddr that begins last; NULL: none. */
const struct elf_symbol *module_symbol_at(const struct module *module, uint64_t address);
#endif
