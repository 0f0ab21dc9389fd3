/* A reference: symbol in, definition out. */
#ifndef RTLD_REFERENCE_H
#define RTLD_REFERENCE_H
#include "ground.h"
#include "psabi.h"
#include "scope.h"

/* Whose references are bound. */
struct binder {
    struct link *link;
    struct module *module;
    const struct module *except; /* whose definitions do not count; NULL: none */
    const struct symbol_index *index; /* of the search order; NULL: it is searched module after module */
    bool watched;                /* each binding is looked at: it is reported, or recorded */
    uint64_t reported;           /* the last one: a symbol that several entries in a row name is reported once */
};

struct binder binder_of(struct link *link, struct module *module, const struct module *except);

/* What reference_bind seldom needs; bool: false after a report.
 *
 * reference_find_own: a definition of the module itself, which goes first under DT_SYMBOLIC.
 * reference_search: the first one in search order, without an index.
 * reference_bind_alone: a symbol that others do not see, or that stays its own.
 * reference_settle: what is true of a definition that was found, or of none. */
const struct elf_symbol *reference_find_own(const struct binder *binder, const struct reference *reference);
struct definition reference_search(const struct binder *binder, const struct reference *reference);
bool reference_bind_alone(struct binder *binder, const struct elf_rela *entry, bool is_call, struct definition *found);
bool reference_settle(struct binder *binder, const struct elf_rela *entry, const struct reference *reference,
                      struct definition *found);

/* The first definition in search order, by way of the index. Runs of slots are short (RUN_MAX in index.c), so the steps
 * along them are not counted as work. */
static inline struct definition index_look_up(struct link *link, const struct symbol_index *index, struct symbol_name name,
                                              const struct version *version, enum relocation_kind kind, bool *plain)
{
    uint32_t key = name.gnu_hash | 1;
    const struct symbol_slot *slot = &index->slots[index_slot(index, key)];
    for (; slot->module; slot++) {
        if (slot->key != key)
            continue;
        struct module *module = index->modules[slot->module - 1];
        const struct elf_symbol *symbol = (const struct elf_symbol *)module->symbols.data + slot->symbol;
        if (!symbol_name_is_inline(module, symbol, name.text, name.length))
            continue;
        if (symbol_is_plain_answer(module, slot->symbol, symbol, version)) {
            *plain = true;
            return (struct definition){module, symbol};
        }
        struct reference reference = {name, version, .is_call = relocation_is_call(kind)};
        enum match match = symbol_match(module, slot->symbol, symbol, &reference);
        /* Which of several versions a module means without one is decided over all of that module's. */
        if (match == MATCH_VERSIONED)
            symbol = module_lookup(module, &reference, &link->ground.work);
        if (match != MATCH_NO && symbol)
            return (struct definition){module, symbol};
    }
    return (struct definition){NULL, NULL};
}

/* The reference that a relocation entry makes: {module, NULL} for symbol 0, {NULL, NULL} for a weak symbol that nothing
 * defines; false after a report. *plain: an ordinary definition of an object that stays, and not watched, so its address
 * may be stored without looking at it again.
 *
 * Inline, for the one loop that binds (relocate.c): most references are answered by the index with a plain definition, and
 * the rest is called. */
static inline bool reference_bind(struct binder *binder, const struct elf_rela *entry, enum relocation_kind kind,
                                  struct definition *found, bool *plain)
{
    const struct module *module = binder->module;
    uint64_t number = entry->r_info >> 32;
    const struct elf_symbol *symbol = NULL;
    struct definition seldom;
    *plain = false;
    if (!number || number >= module->symbols.count ||
        (symbol = (const struct elf_symbol *)module->symbols.data + number)->st_info < STB_GLOBAL << 4 ||
        symbol->st_other & 3 || symbol->st_name >= module->strings.count) {
        bool good = reference_bind_alone(binder, entry, relocation_is_call(kind), &seldom);
        *found = seldom;
        return good;
    }
    const char *text = (const char *)module->strings.data + symbol->st_name;
    struct name_hash hash = name_hash_inline(text, module->strings.count - symbol->st_name);
    struct symbol_name name = {text, hash.length, hash.gnu_hash};
    const struct version *version = number < module->versym.count ? version_at(module, number) : NULL;
    if (version && !version->name)
        version = NULL;
    const struct elf_symbol *own = NULL;
    if (module->symbolic) {
        struct reference reference = {name, version, .is_call = relocation_is_call(kind)};
        own = reference_find_own(binder, &reference);
    }
    if (own) {
        *found = (struct definition){binder->module, own};
    } else if (binder->index) {
        *found = index_look_up(binder->link, binder->index, name, version, kind, plain);
    } else {
        struct reference reference = {name, version, .is_call = relocation_is_call(kind)};
        seldom = reference_search(binder, &reference);
        *plain = seldom.symbol && symbol_is_plain(seldom.symbol);
        *found = seldom;
    }
    if (*plain && found->module->initial && !binder->watched)
        return true;
    *plain = false;
    struct reference reference = {name, version, .is_call = relocation_is_call(kind)};
    seldom = *found;
    bool good = reference_settle(binder, entry, &reference, &seldom);
    *found = seldom;
    return good;
}
#endif
