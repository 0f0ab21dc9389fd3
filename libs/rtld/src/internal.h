/* Shared by the core's files. */
#ifndef RTLD_INTERNAL_H
#define RTLD_INTERNAL_H
#include <rtld/link.h>
#include <rtld/parse.h>

/* arena.c: memory that is given back as a whole. */
struct arena {
    struct arena *previous; /* the block before this one */
    uint64_t size, used;    /* bytes of this block, with this header */
    size_t modules;          /* first block only: objects that live in the chain */
    struct arena *newest;   /* first block only */
};

/* `count` zeroed records of `size` bytes, aligned for any type; NULL after a report. */
void *arena_alloc(struct ground *ground, struct arena **arena, uint64_t count, size_t size);
/* From the arena of the running call. */
void *scratch_alloc(struct link *link, uint64_t count, size_t size);

/* Report to the host, and remember that the call failed; always false. */
bool ground_refuse(struct ground *ground, enum link_error error, const char *object, uint64_t offset, uint64_t value);
bool ground_report(struct ground *ground, const struct report *report);
#define GROUND_WORK_MAX (1ull << 27) /* steps along hash chains and version lists, for one call */
/* Count steps whose number a crafted file can make very large; false after a report: too many. */
bool ground_work(struct ground *ground, const struct module *module, uint64_t steps);
/* What a call begins with. */
void link_begin(struct link *link);

/* Words anywhere in memory. Not by memcpy, which is a call in a freestanding compilation. */
typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned_u64;

static inline uint64_t word_at(const void *place)
{
    return *(const unaligned_u64 *)place;
}

static inline void set_word(void *place, uint64_t value)
{
    *(unaligned_u64 *)place = value;
}

/* offset + size <= limit, without overflow. */
static inline bool within(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

/* What module_symbol and module_string return, for where each instruction counts. */
static inline const struct elf_symbol *quick_symbol(const struct module *module, uint64_t index)
{
    return index < module->symbols.count ? (const struct elf_symbol *)module->symbols.data + index : NULL;
}

static inline const char *quick_string(const struct module *module, uint64_t offset)
{
    return offset < module->strings.count ? (const char *)module->strings.data + offset : NULL;
}

/* What module_symbol_version returns, or a record without a name; for an index below versym.count. */
static inline const struct version *quick_version(const struct module *module, uint64_t index)
{
    uint32_t number = ((const uint16_t *)module->versym.data)[index] & VERSYM_INDEX;
    return number < module->version_count ? &module->versions[number] : NULL;
}

/* module.c, dynamic.c: read and check a file. */
/* File bytes from an address to the end of its segment's file part. */
uint64_t module_bytes_from(const struct module *module, uint64_t address);

/* version.c */
bool module_parse_versions(struct ground *ground, struct module *module);
/* Whether those that an module needs versions of define them; `provider` of a file name by link_find_module. */
bool module_check_versions(struct link *link, struct module *module);

/* name.c: a name to look up, with its length and hash. */
struct symbol_name {
    const char *text;
    uint64_t length;
    uint32_t gnu_hash;
};

/* 33 to the power of 0 to 8, modulo 2^32. */
static const uint32_t name_powers[] = {1, 33, 1089, 35937, 1185921, 39135393, 1291467969, 3963737313, 1954312449};

/* hash * 33 + byte for each of a word's eight bytes, from hash 0: first pairs, then pairs of pairs, side by side. */
static inline uint32_t name_hash_word(uint64_t word)
{
    const uint64_t bytes = 0x00ff00ff00ff00ffull, pairs = 0x0000ffff0000ffffull;
    uint64_t two = (word & bytes) * 33 + (word >> 8 & bytes);
    uint64_t four = (two & pairs) * name_powers[2] + (two >> 16 & pairs);
    return (uint32_t)(four * (1 + ((uint64_t)name_powers[4] << 32)) >> 32);
}

/* The lowest set bit belongs to the first byte that is 0; 0: there is none. */
static inline uint64_t name_zero_bytes(uint64_t word)
{
    return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

/* `room`: bytes that may be read from text on; a NUL is among them. */
static inline struct symbol_name symbol_name_quick(const char *text, uint64_t room)
{
    uint32_t hash = 5381;
    const char *at = text;
    /* Words from here on would reach beyond the table. */
    const char *end = room < sizeof(uint64_t) ? text : text + room - sizeof(uint64_t) + 1;
    while (at < end) {
        uint64_t word = word_at(at);
        /* Cheaper than name_zero_bytes, and also true for bytes above 0x80. */
        if ((word - 0x0101010101010101ull) & 0x8080808080808080ull) {
            uint64_t zero = name_zero_bytes(word);
            if (zero) {
                /* Bytes of 0 in front change nothing: the rest is moved to the word's end. In two steps, as there may
                 * be nothing to move. */
                unsigned bits = (unsigned)__builtin_ctzll(zero) & 56;
                hash = hash * name_powers[bits / 8] + name_hash_word(word << 1 << (63 - bits));
                return (struct symbol_name){text, (uint64_t)(at - text) + bits / 8, hash};
            }
        }
        at += sizeof word;
        hash = hash * name_powers[8] + name_hash_word(word);
    }
    for (; *at; at++)
        hash = hash * 33 + (uint8_t)*at;
    return (struct symbol_name){text, (uint64_t)(at - text), hash};
}

/* The same out of line, for where size counts more. */
struct symbol_name symbol_name_of(const char *text, uint64_t room);
uint32_t gabi_hash(const char *text);
bool text_equal(const char *left, const char *right);

/* `size` bytes of both, the NUL included. */
static inline bool name_bytes_equal(const char *left, const char *right, uint64_t size)
{
    if (size < sizeof(uint64_t)) {
        while (size--)
            if (*left++ != *right++)
                return false;
        return true;
    }
    /* The end first: names of one object often differ only there. It overlaps what comes before. */
    const char *last = left + size - sizeof(uint64_t);
    if (word_at(last) != word_at(right + size - sizeof(uint64_t)))
        return false;
    for (; left < last; left += sizeof(uint64_t), right += sizeof(uint64_t))
        if (word_at(left) != word_at(right))
            return false;
    return true;
}

/* Whether two symbols have one name. */
bool symbol_names_equal(const struct module *module, const struct elf_symbol *symbol, const struct module *other,
                        const struct elf_symbol *other_symbol);

static inline bool symbol_name_is_quick(const struct module *module, const struct elf_symbol *symbol,
                                        const struct symbol_name *name)
{
    return within(symbol->st_name, name->length + 1, module->strings.count) &&
           name_bytes_equal((const char *)module->strings.data + symbol->st_name, name->text, name->length + 1);
}

bool symbol_name_is(const struct module *module, const struct elf_symbol *symbol, const struct symbol_name *name);

/* A look-up. */
struct reference {
    struct symbol_name name;
    const struct version *version; /* NULL: none */
    bool newest;                   /* without a version: the default one, as dlsym does; else the oldest */
    bool is_call;                  /* an undefined function's address in the program (canonical PLT) is no answer */
};

/* symbols.c: a definition in one module that others may use; NULL: none. Adds the chain's steps to *work. */
const struct elf_symbol *module_lookup(const struct module *module, const struct reference *reference, uint64_t *work);
/* Without looking at names: the very version, or the one that a need was checked against. */
static inline bool is_checked_version(const struct version *wanted, const struct version *version)
{
    return wanted && version && (version == wanted || version == wanted->definition);
}

/* Whether a symbol of the right name is an answer. MATCH_VERSIONED: an unversioned reference passes it over, but if it
 * is the module's only one, it is the answer. */
enum match { MATCH_NO, MATCH_YES, MATCH_VERSIONED };
enum match symbol_match(const struct module *module, uint64_t index, const struct elf_symbol *symbol,
                        const struct reference *reference);

/* A global or weak definition of default visibility, of an ordinary section and an ordinary type: most are. */
static inline bool symbol_is_plain(const struct elf_symbol *symbol)
{
    return (uint8_t)((symbol->st_info >> 4) - STB_GLOBAL) <= STB_WEAK - STB_GLOBAL &&
           (symbol->st_info & 15) <= STT_FUNC && symbol->st_other == STV_DEFAULT &&
           (uint16_t)(symbol->st_shndx - 1) < SHN_ABS - 1 && symbol->st_value;
}

/* Symbols that the GNU hash table covers: [first, end). */
void module_hashed(const struct module *module, uint64_t *first, uint64_t *end);

/* scope.c: where a fresh module looks, and one look-up there. */
struct definition {
    struct module *module; /* NULL: nobody */
    const struct elf_symbol *symbol;
};

bool scope_prepare(struct link *link);
struct definition scope_lookup(struct link *link, struct module *referrer, const struct reference *reference,
                               const struct module *except);
struct definition scope_search(struct module *const *modules, size_t count, const struct reference *reference,
                               const struct module *except, uint64_t *work);
/* The one definition of an STB_GNU_UNIQUE symbol for the whole link: this one, if it is the first. */
bool scope_unique(struct link *link, const struct symbol_name *name, struct definition *definition);
void scope_forget_unique(struct link *link, const struct module *module);

/* A name's first question to a GNU hash table; false: it is not there. */
static inline bool filter_admits(const struct symbol_filter *filter, uint32_t hash)
{
    uint64_t word = filter->words[hash / 64 & filter->mask];
    return word >> hash % 64 & word >> (hash >> filter->shift) % 64 & 1;
}

/* symbols.c; false: this module has no such filter. */
bool module_filter(const struct module *module, struct symbol_filter *filter);

/* cache.c: what a relocation entry of a library stored, in a program that does not define the name. Only what usual.c does
 * is cached. */
struct cached_binding {
    uint64_t value;     /* less the provider's bias */
    uint32_t hash;      /* GNU hash value of the name */
    uint32_t provider;  /* its position in the search order; 0, the program: not cached */
};

struct cached_module {
    struct cached_module *next;
    const uint8_t *file;
    uint64_t relative_count;        /* entries of rela that have no record */
    struct cached_binding *rela, *plt_rela;
};

/* What the core asks of a link's cache, where it has one; bool: false after a report. */
struct relocation;
struct link_cache_functions {
    /* The same as module_parse. */
    bool (*parse)(struct link *link, struct module *module, const char *name, const struct file_view *file);
    /* Find, or make, the records of all libraries of a program that starts. */
    bool (*prepare)(struct link *link);
    /* Store what is cached of the table's entries from `entry` on, and leave what is to be cached; how many are done. */
    uint64_t (*bind)(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end);
};

/* index.c: one table over the exports of many modules. Open addressing; a key is a GNU hash value without its lowest
 * bit, which ends chains in files. */
struct symbol_slot {
    uint32_t key;    /* hash | 1 */
    uint32_t module;  /* position in the search order plus one; 0: empty */
    uint32_t symbol;
};

struct symbol_index {
    struct module *const *modules;
    struct symbol_slot *slots;
    unsigned shift;  /* of the mixed key, to the number of a slot */
};

static inline uint64_t index_slot(const struct symbol_index *index, uint32_t key)
{
    return ((uint64_t)key * 0x9e3779b97f4a7c15) >> index->shift;
}

struct symbol_index *index_make(struct link *link, struct module *const *modules, size_t count);
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
    RELOCATION_GLOB_DAT,         /* symbol: GOT entries */
    RELOCATION_JUMP_SLOT,         /* symbol: GOT entries that are only called through */
    RELOCATION_SIZE_32,      /* st_size + addend */
    RELOCATION_SIZE_64,
    RELOCATION_COPY,         /* the symbol's initial bytes */
    RELOCATION_IRELATIVE,     /* what the function at bias + addend returns (IRELATIVE) */
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
enum relocation_kind machine_rare_relocation(const struct machine *machine, uint32_t type);

static inline enum relocation_kind machine_relocation(const struct machine *machine, uint32_t type)
{
    const struct relocation_range *usual = &machine->ranges[0];
    return type - usual->first < usual->count ? usual->kinds[type - usual->first]
                                              : machine_rare_relocation(machine, type);
}

/* tls.c: give fresh modules their ids, and their place in the static block if the program comes with them. */
void tls_lay_out(struct link *link);
/* A place in the surplus for a module that is needed there; false: there is no room. */
bool tls_make_static(struct link *link, struct module *module);
/* The room of an module that goes, and is in no list any more, is free for others where nobody has room beyond it. */
void tls_give_back(struct link *link, struct module *module);

/* relocate.c, copy.c, resolver.c */
bool module_relocate(struct link *link, struct module *module);
bool module_relocate_copies(struct link *link, struct module *module);
bool relocate_resolvers(struct link *link);

/* order.c: sorted[0..count): needed before needing; when closing, those that one was bound to count as needed. */
bool order_sort(struct link *link, struct module *const *modules, size_t count, bool closing, struct module **sorted);
/* The fresh modules as loaded, and in the order to start them; NULL: no memory. */
struct module **link_fresh_modules(struct link *link, size_t *count);
struct module **order_fresh(struct link *link, size_t *count);
bool order_finalizers(struct link *link, struct module *const *sorted, size_t count);

/* link.c */
struct module *link_find_module(const struct link *link, const char *name);
struct module *link_need(struct link *link, const struct module *referrer, const char *name);
/* The DT_NEEDED closure of the fresh modules, and its versions. */
bool link_load_needed(struct link *link);
void link_append_global(struct link *link, struct module *module);
/* The closure of `root`, as far as it is not there yet. */
void link_join_global(struct link *link, struct module *root);
/* Forget an module that is out of the list of modules. */
void link_drop(struct link *link, struct module *module);

/* runtime.c */
struct dependence {
    struct dependence *next;
    struct module *module;
};

/* `module` was bound to `provider`, which must not go before it does. */
bool runtime_depend(struct link *link, struct module *module, struct module *provider);
/* [module and what it needs], breadth first, in module->closure. */
bool runtime_closure(struct link *link, struct module *module);
#endif
