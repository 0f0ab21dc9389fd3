/* One table over the exports of many modules, for links where asking module after module costs more.
 *
 * Open addressing, at most half full. The key is the hash value that a GNU hash table keeps of each symbol
 * (without its lowest bit, which ends chains there), so that no name is read to build the index. Modules are
 * entered in search order and symbols with one key stay in the order of entry: the first match is the answer. */
#include "internal.h"

#define STEPS_PER_EXPORT 16 /* only crafted names cluster more */
#define DOUBLES_MAX 4       /* so many entries of one key before equal names are looked for */
#define RUN_MAX 1024        /* slots that an entry may lie from its place */

/* Whether an earlier definition answers whatever this one would: then this one need not be there. */
static bool covers(const struct module *module, uint64_t symbol, const struct module *later, uint64_t later_symbol)
{
    const struct elf_symbol *here = quick_symbol(module, symbol), *there = quick_symbol(later, later_symbol);
    if (here->st_shndx == SHN_UNDEF || !symbol_names_equal(module, here, later, there))
        return false;
    struct reference reference = {.version = module_symbol_version(module, symbol)};
    if (symbol < module->versym.count || later_symbol < later->versym.count) {
        const struct version *version = module_symbol_version(later, later_symbol);
        if (!reference.version || !version || version->hash != reference.version->hash ||
            !text_equal(version->name, reference.version->name) ||
            ((const uint16_t *)module->versym.data)[symbol] != ((const uint16_t *)later->versym.data)[later_symbol])
            return false;
    }
    return symbol_match(module, symbol, here, &reference) == MATCH_YES;
}

/* A run of one key has become long: by chance, or because many modules define one name. */
static bool is_covered(const struct symbol_index *index, const struct symbol_slot *slot, uint32_t module, uint64_t symbol,
                       uint32_t key)
{
    for (; slot->module; slot++)
        if (slot->key == key && covers(index->modules[slot->module - 1], slot->symbol, index->modules[module - 1], symbol))
            return true;
    return false;
}

static inline __attribute__((always_inline)) bool insert(const struct symbol_index *index, uint32_t module, uint64_t symbol, uint32_t key, uint64_t *steps)
{
    struct symbol_slot *first = &index->slots[index_slot(index, key)], *slot = first;
    if (slot->module) {
        unsigned doubles = 0;
        for (; slot->module; slot++)
            doubles += slot->key == key;
        *steps += (uint64_t)(slot - first);
        if (slot - first > RUN_MAX)
            return false;
        if (doubles >= DOUBLES_MAX && is_covered(index, first, module, symbol, key))
            return true;
    }
    *slot = (struct symbol_slot){key, module, (uint32_t)symbol};
    return true;
}

/* An module with only a gABI table, which keeps no hash values. */
static bool insert_names(const struct symbol_index *index, uint32_t number, uint64_t *steps)
{
    const struct module *module = index->modules[number - 1];
    uint64_t end = module_symbol_count(module);
    for (uint64_t i = 1; i < end; i++) {
        const struct elf_symbol *symbol = quick_symbol(module, i);
        const char *name = quick_string(module, symbol->st_name);
        if (!name || symbol->st_shndx == SHN_UNDEF)
            continue;
        uint32_t hash = symbol_name_of(name, module->strings.count - symbol->st_name).gnu_hash;
        if (!insert(index, number, i, hash | 1, steps))
            return false;
    }
    return true;
}

static bool insert_module(const struct symbol_index *index, uint32_t number, uint64_t *steps)
{
    const struct symbol_index table = *index; /* in registers */
    const struct module *module = table.modules[number - 1];
    if (!module->gnu_hash.count)
        return insert_names(index, number, steps);
    uint64_t first, end;
    module_hashed(module, &first, &end);
    if (end == 0 || end > UINT32_MAX)
        return end == 0;
    const uint32_t *words = module->gnu_hash.data, *chain = words + 4 + (uint64_t)words[2] * 2 + words[0];
    for (uint64_t i = first; i < end; i++)
        if (!insert(&table, number, i, chain[i - first] | 1, steps))
            return false;
    return true;
}

struct symbol_index *index_make(struct link *link, struct module *const *modules, size_t count)
{
    uint64_t exports = 0, slots = 16;
    for (size_t i = 0; i < count; i++) {
        uint64_t first, end;
        module_hashed(modules[i], &first, &end);
        exports += modules[i]->gnu_hash.count ? end - first : module_symbol_count(modules[i]);
    }
    struct symbol_index *index = arena_alloc(&link->ground, &link->state.index_arena, 1, sizeof *index);
    if (!index)
        return NULL;
    *index = (struct symbol_index){.modules = modules, .shift = 60};
    for (; slots < exports * 2; slots *= 2)
        index->shift--;
    /* Runs do not go around: the table has room for the longest one at its end, and an empty slot after it. */
    index->slots = arena_alloc(&link->ground, &link->state.index_arena, slots + RUN_MAX + 1, sizeof *index->slots);
    uint64_t steps = 0;
    for (uint32_t i = 1; index->slots && i <= count; i++)
        if (!insert_module(index, i, &steps) || steps > exports * STEPS_PER_EXPORT + 65536)
            return NULL; /* crafted names; searching module after module has its own limits */
    return index->slots ? index : NULL;
}

struct definition index_lookup(const struct symbol_index *index, const struct reference *reference, uint64_t *work)
{
    uint32_t key = reference->name.gnu_hash | 1;
    const struct symbol_slot *slot = &index->slots[index_slot(index, key)];
    for (; slot->module; slot++, ++*work) {
        if (slot->key != key)
            continue;
        struct module *module = index->modules[slot->module - 1];
        const struct elf_symbol *symbol = (const struct elf_symbol *)module->symbols.data + slot->symbol;
        if (!symbol_name_is(module, symbol, &reference->name))
            continue;
        enum match match = symbol_match(module, slot->symbol, symbol, reference);
        /* Which of several versions an module means without one is decided over all of that module's. */
        if (match == MATCH_VERSIONED)
            symbol = module_lookup(module, reference, work);
        if (match != MATCH_NO && symbol)
            return (struct definition){module, symbol};
    }
    return (struct definition){0};
}
