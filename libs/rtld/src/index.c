/* One table over the exports of many modules, for links where asking module after module costs more.
 *
 * Open addressing, at most half full. The key is the hash value that a GNU hash table keeps of each symbol
 * (without its lowest bit, which ends chains there), so that no name is read to build the index. Modules are
 * entered in search order and symbols with one key stay in the order of entry: the first match is the answer. */
#include "index.h"

#include "arena.h"
#include "gnu_hash.h"
#include "modules.h"

#define STEPS_PER_EXPORT 16 /* only crafted names cluster more */
#define DOUBLES_MAX 4       /* so many entries of one key before equal names are looked for */
#define RUN_MAX 1024        /* slots that an entry may lie from its place */

/* Whether an earlier definition answers whatever this one would: then this one need not be there. */
static bool covers(const struct module *module, uint64_t symbol, const struct module *later, uint64_t later_symbol)
{
    const struct elf_symbol *here = module_symbol_inline(module, symbol), *there = module_symbol_inline(later, later_symbol);
    const char *name = module_string_inline(later, there->st_name);
    if (here->st_shndx == SHN_UNDEF || !name)
        return false;
    struct reference reference = {
        .name = symbol_name_of(name, later->strings.count - there->st_name),
        .version = module_symbol_version(module, symbol),
    };
    if (!symbol_name_is(module, here, &reference.name))
        return false;
    if (symbol < module->versym.count || later_symbol < later->versym.count) {
        const struct version *version = module_symbol_version(later, later_symbol);
        if (!reference.version || !version || !version_equal(version, reference.version) ||
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

#ifdef __OPTIMIZE_SIZE__
__attribute__((noinline)) static
#else
__attribute__((always_inline)) static inline
#endif
bool insert(const struct symbol_index *index, uint32_t module, uint64_t symbol, uint32_t key, uint64_t *steps)
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

struct export_range index_exports(const struct module *module)
{
    struct export_range range = {1, 1};
    if (module->gnu_hash.count)
        module_hashed(module, &range.first, &range.end);
    else
        range.end += module_symbol_count(module) - 1;
    return range.end < range.first ? (struct export_range){0} : range;
}

static bool insert_some(const struct symbol_index *index, uint32_t number, struct export_range range, uint64_t *steps)
{
    const struct symbol_index table = *index; /* in registers */
    const struct module *module = table.modules[number - 1];
    struct gnu_hash hashes;
    if (range.end > UINT32_MAX)
        return false;
    if (gnu_hash_read(module, &hashes)) {
        const uint32_t *chain = hashes.chain + (range.first - hashes.first);
        for (uint64_t i = range.first; i < range.end; i++)
            if (!insert(&table, number, i, *chain++ | 1, steps))
                return false;
        return true;
    }
    for (uint64_t i = range.first; i < range.end; i++) {
        const struct elf_symbol *symbol = module_symbol_inline(module, i);
        const char *name = module_string_inline(module, symbol->st_name);
        if (name && symbol->st_shndx != SHN_UNDEF &&
            !insert(&table, number, i, name_hash(name, module->strings.count - symbol->st_name).gnu_hash | 1, steps))
            return false;
    }
    return true;
}

#define INSERTED_AT_ONCE 64

static bool insert_module(struct link *link, const struct symbol_index *index, uint32_t number, struct export_range range,
                          uint64_t *steps)
{
    const uint64_t end = range.end;
    for (; range.first < end; range.first = range.end) {
        const uint64_t left = end - range.first;
        range.end = link->ground.pause && left > INSERTED_AT_ONCE ? range.first + INSERTED_AT_ONCE : end;
        if (!insert_some(index, number, range, steps) || !ground_pause(&link->ground))
            return false;
    }
    return true;
}

struct symbol_index *index_make(struct link *link, const struct export_range *ranges, uint64_t exports)
{
    struct module *const *modules = link->state.searched;
    const size_t count = link->state.searched_count;
    uint64_t slots = 16;
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
        if (!insert_module(link, index, i, ranges[i - 1], &steps) || steps > exports * STEPS_PER_EXPORT + 65536)
            return NULL; /* crafted names; searching module after module has its own limits */
    return index->slots ? index : NULL;
}
