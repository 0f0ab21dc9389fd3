/* Shared by the core's files. */
#ifndef RTLD_INTERNAL_H
#define RTLD_INTERNAL_H
#include <rtld/link.h>

/* arena.c: memory that is given back as a whole. */
struct arena {
    struct arena *previous; /* the block before this one */
    uint64_t size, used;    /* bytes of this block, with this header */
    size_t images;          /* first block only: objects that live in the chain */
    struct arena *newest;   /* first block only */
};

/* `count` zeroed records of `size` bytes, aligned for any type; NULL after a report. */
void *arena_alloc(struct link *link, struct arena **arena, uint64_t count, size_t size);
void arena_free(struct link *link, struct arena **arena);
/* From the arena of the running call. */
void *scratch_alloc(struct link *link, uint64_t count, size_t size);

/* Tell the host, and remember that the call failed; always false. */
bool link_refuse(struct link *link, enum link_error error, const struct image *image, const char *symbol,
                 uint64_t offset, uint64_t value);
bool link_report(struct link *link, const struct diagnostic *diagnostic);
/* Count steps whose number a crafted file can make very large; false after a report: too many. */
bool link_work(struct link *link, const struct image *image, uint64_t steps);
/* What a call begins with. */
void link_begin(struct link *link);

/* offset + size <= limit, without overflow. */
static inline bool within(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

/* image.c, dynamic.c: read and check a file. */
bool image_parse(struct link *link, struct image *image, const char *name, const struct image_file_view *file);
bool image_parse_dynamic(struct link *link, struct image *image);
/* File bytes from an address to the end of its segment's file part. */
uint64_t image_bytes_from(const struct image *image, uint64_t address);

/* version.c */
bool image_parse_versions(struct link *link, struct image *image);
/* Whether those that an image needs versions of define them; `provider` of a file name by link_find_image. */
bool image_check_versions(struct link *link, struct image *image);

/* name.c: a name to look up, with its length and hash. */
struct symbol_name {
    const char *text;
    uint64_t length;
    uint32_t gnu_hash;
};

/* `room`: bytes that may be read from text on; a NUL is among them. */
struct symbol_name symbol_name_of(const char *text, uint64_t room);
uint32_t gabi_hash(const char *text);
bool symbol_name_is(const struct image *image, const struct elf_symbol *symbol, const struct symbol_name *name);
bool text_equal(const char *left, const char *right);

/* A look-up. */
struct reference {
    struct symbol_name name;
    const struct version *version; /* NULL: none */
    bool newest;                   /* without a version: the default one, as dlsym does; else the oldest */
    bool is_call;                  /* an undefined function's address in the program (canonical PLT) is no answer */
};

/* symbols.c: a definition in one image that others may use; NULL: none. Adds the chain's steps to *work. */
const struct elf_symbol *image_lookup(const struct image *image, const struct reference *reference, uint64_t *work);
/* Whether a symbol of the right name is an answer. *versioned counts the versions that an unversioned reference
 * passed over: with exactly one, it is the answer. */
enum match { MATCH_NO, MATCH_YES, MATCH_VERSIONED };
enum match symbol_match(const struct image *image, uint64_t index, const struct elf_symbol *symbol,
                        const struct reference *reference);
/* Symbols that the GNU hash table covers: [first, end). */
void image_hashed(const struct image *image, uint64_t *first, uint64_t *end);

/* scope.c: where a fresh image looks, and one look-up there. */
struct definition {
    struct image *image; /* NULL: nobody */
    const struct elf_symbol *symbol;
};

bool scope_prepare(struct link *link);
struct definition scope_lookup(struct link *link, struct image *referrer, const struct reference *reference,
                               const struct image *except);
struct definition scope_search(struct image *const *images, size_t count, const struct reference *reference,
                               const struct image *except, uint64_t *work);
/* The one definition of an STB_GNU_UNIQUE symbol for the whole link: this one, if it is the first. */
bool scope_unique(struct link *link, const struct symbol_name *name, struct definition *definition);
void scope_forget_unique(struct link *link, const struct image *image);

/* index.c: one table over the exports of many images. */
struct symbol_index *index_make(struct link *link, struct image *const *images, size_t count);
struct definition index_lookup(const struct symbol_index *index, const struct reference *reference, uint64_t *work);

/* machine.c: what a relocation asks for, whatever its number on a machine. */
enum relocation_kind {
    RELOCATION_UNKNOWN,
    RELOCATION_NONE,
    RELOCATION_RELATIVE,     /* bias + addend */
    RELOCATION_ABSOLUTE,     /* symbol + addend */
    RELOCATION_ABSOLUTE_32,  /* the same in 32 bits, zero-extended */
    RELOCATION_PC_32,        /* symbol + addend - place, in 32 bits, signed */
    RELOCATION_PC_64,
    RELOCATION_SLOT,         /* symbol: GOT entries */
    RELOCATION_CALL,         /* symbol: GOT entries that are only called through */
    RELOCATION_SIZE_32,      /* st_size + addend */
    RELOCATION_SIZE_64,
    RELOCATION_COPY,         /* the symbol's initial bytes */
    RELOCATION_RESOLVER,     /* what the function at bias + addend returns (IRELATIVE) */
    RELOCATION_TLS_MODULE,   /* module id of the symbol */
    RELOCATION_TLS_OFFSET,   /* symbol + addend within its module's block */
    RELOCATION_TLS_POINTER,  /* distance of symbol + addend from the thread pointer */
    RELOCATION_TLS_DESCRIPTOR,
};

struct machine {
    uint16_t number;         /* e_machine */
    bool tls_above;          /* variant I: blocks lie above the thread pointer */
    uint16_t tls_gap;        /* bytes between the pointer and the first block */
    uint16_t tls_bias;       /* subtracted from offsets within a block */
    bool slot_addend;        /* GOT entries add their addend */
    uint16_t relative;       /* the number of RELOCATION_RELATIVE */
    struct relocation_range {
        uint16_t first, count;
        const uint8_t *kinds;
    } ranges[3];
};

/* NULL when this build does not know the machine. */
const struct machine *machine_find(uint16_t number);
enum relocation_kind machine_relocation(const struct machine *machine, uint32_t type);

/* tls.c: give fresh modules their ids, and their place in the static block if the program comes with them. */
void tls_lay_out(struct link *link);
/* A place in the surplus for a module that is needed there; false: there is no room. */
bool tls_make_static(struct link *link, struct image *image);

/* relocate.c */
bool image_relocate(struct link *link, struct image *image);
bool image_relocate_copies(struct link *link, struct image *image);
bool relocate_resolvers(struct link *link);

/* order.c: sorted[0..count): needed before needing; when closing, those that one was bound to count as needed. */
bool order_sort(struct link *link, struct image *const *images, size_t count, bool closing, struct image **sorted);
bool order_finalizers(struct link *link, struct image *const *sorted, size_t count);

/* link.c */
struct image *link_find_image(const struct link *link, const char *name);
struct image *link_need(struct link *link, const struct image *referrer, const char *name);
/* The DT_NEEDED closure of the fresh images, and its versions. */
bool link_load_needed(struct link *link);
void link_append_global(struct link *link, struct image *image);
/* The closure of `root`, as far as it is not there yet. */
void link_join_global(struct link *link, struct image *root);
/* Forget an image that is out of the list of images. */
void link_drop(struct link *link, struct image *image);

/* runtime.c */
struct dependence {
    struct dependence *next;
    struct image *image;
};

/* `image` was bound to `provider`, which must not go before it does. */
bool runtime_depend(struct link *link, struct image *image, struct image *provider);
/* [image and what it needs], breadth first, in image->closure. */
bool runtime_closure(struct link *link, struct image *image);
#endif
