/* What relocate.c and usual.c share. */
#ifndef RTLD_RELOCATE_H
#define RTLD_RELOCATE_H
#include "internal.h"

#define SYMBOL_INDEX(info) ((info) >> 32)
#define TYPE(info) ((uint32_t)(info))
#define WORD 8

/* One module while it is relocated. */
struct relocation {
    struct link *link;
    struct module *module;
    const struct machine *machine;
    /* The writable segment that was stored to last. */
    uint64_t low, span;
    uint8_t *staging;
    /* The reference that was bound last: linkers sort relocations by symbol. */
    uint64_t index;
    bool is_call;
    struct definition definition;
    const struct module *provider; /* the last one that was remembered as a dependence */
    struct cached_binding *cached;/* of the table's entries; NULL: none */
    const struct elf_rela *cached_first;
};

struct relocation relocation_of(struct link *link, struct module *module);
/* `size` bytes of a writable segment; NULL after a report. */
uint8_t *relocation_place(struct relocation *relocation, uint64_t address, uint64_t size);
/* A word; false after a report. */
bool relocation_store(struct relocation *relocation, uint64_t address, uint64_t value);
/* About the entry; always false. */
bool relocation_refuse(const struct relocation *relocation, enum link_error error, const struct elf_rela *entry);
/* The definition of the entry's symbol: {module, NULL} for symbol 0, {NULL, NULL} for a weak one that is absent. */
bool relocation_bind(struct relocation *relocation, const struct elf_rela *entry, bool is_call,
                     const struct module *except, struct definition *found);

/* resolver.c: remember a word for relocate_resolvers. */
bool pending_ifunc_add(struct link *link, const struct pending_ifunc *resolver);

/* usual.c: does entries from the first one on as long as they are usual; how many. */
uint64_t relocate_usual(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end);
#endif
