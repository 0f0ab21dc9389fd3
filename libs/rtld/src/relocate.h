/* What relocate.c and usual.c share. */
#ifndef RTLD_RELOCATE_H
#define RTLD_RELOCATE_H
#include "internal.h"

#define SYMBOL_INDEX(info) ((info) >> 32)
#define TYPE(info) ((uint32_t)(info))
#define WORD 8

/* One image while it is relocated. */
struct relocation {
    struct link *link;
    struct image *image;
    const struct machine *machine;
    /* The writable segment that was stored to last. */
    uint64_t low, span;
    uint8_t *window;
    /* The reference that was bound last: linkers sort relocations by symbol. */
    uint64_t index;
    bool is_call;
    struct definition definition;
    const struct image *provider; /* the last one that was remembered as a dependence */
};

/* usual.c: does entries from the first one on as long as they are usual; how many. */
uint64_t relocate_usual(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end);
#endif
