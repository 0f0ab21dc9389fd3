/* Relocation of one module: bind each reference, store each slot. */
#ifndef RTLD_RELOCATE_H
#define RTLD_RELOCATE_H
#include "psabi.h"
#include "reference.h"
#include "slot.h"

/* One module while it is relocated. */
struct relocation {
    struct slots slots;
    struct binder binder;
    const struct psabi *psabi;
};

/* Of a kind from RELOCATION_ABSOLUTE on: a slot of 64 bits for the symbol's address. */
static inline bool relocation_is_word(enum relocation_kind kind)
{
    return kind <= RELOCATION_JUMP_SLOT;
}

/* What is added to the address that a slot of 64 bits is for. */
static inline uint64_t relocation_addend(const struct psabi *psabi, enum relocation_kind kind, const struct elf_rela *entry)
{
    return kind == RELOCATION_ABSOLUTE || psabi->slot_addend ? (uint64_t)entry->r_addend : 0;
}

/* All but copy relocations; these, when all others are done, as they are made of finished data. What fails is in
 * ground.failed. */
void relocate_module(struct link *link, struct module *module);
void relocate_copies(struct link *link, struct module *module);
#endif
