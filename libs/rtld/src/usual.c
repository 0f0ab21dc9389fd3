/* The usual symbolic relocations, in one loop that is made to be short: a word for a global or weak symbol of default
 * visibility, whose definition is of an ordinary kind and stays as long as the program. What is not that is left to
 * relocate.c, which knows all rules; nothing is reported or decided here. */
#include "relocate.h"

#define USUAL (1u << RELOCATION_ABSOLUTE | 1u << RELOCATION_GLOB_DAT | 1u << RELOCATION_JUMP_SLOT)

/* Without a closer look: plain, and without versions or of the very one that the referrer was checked against. */
static inline bool answers(const struct module *module, uint64_t index, const struct elf_symbol *symbol,
                           const struct reference *reference)
{
    return symbol_is_plain(symbol) &&
           (index >= module->versym.count || is_checked_version(reference->version, quick_version(module, index)));
}

/* The first definition in search order, by way of the index; NULL: none, or one that needs a closer look. */
static inline const struct elf_symbol *find(const struct symbol_index *index, const struct reference *reference,
                                            const struct module **provider)
{
    uint32_t key = reference->name.gnu_hash | 1;
    const struct symbol_slot *slot = &index->slots[index_slot(index, key)];
    for (; slot->module; slot++) {
        if (slot->key != key)
            continue;
        const struct module *module = index->modules[slot->module - 1];
        const struct elf_symbol *symbol = (const struct elf_symbol *)module->symbols.data + slot->symbol;
        if (!symbol_name_is_quick(module, symbol, &reference->name))
            continue;
        *provider = module;
        return answers(module, slot->symbol, symbol, reference) ? symbol : NULL;
    }
    return NULL;
}

uint64_t relocate_usual(const struct relocation *relocation, const struct elf_rela *first, const struct elf_rela *end)
{
    struct link *link = relocation->link;
    const struct module *module = relocation->module;
    const struct machine *machine = relocation->machine;
    const struct relocation_range range = machine->ranges[0];
    const struct elf_symbol *symbols = module->symbols.data;
    const char *strings = module->strings.data;
    const uint64_t symbol_count = module->symbols.count, string_count = module->strings.count;
    const uint64_t low = relocation->low, span = relocation->span >= WORD ? relocation->span - WORD + 1 : 0;
    const struct symbol_index *index = link->state.index;
    const uint64_t versioned = module->versym.count;
    const bool slot_addend = machine->slot_addend;
    uint8_t *const window = relocation->staging;
    const struct elf_rela *entry = first;
    if (!symbol_count || module->symbolic || link->settings.host->binding || link->ground.work > GROUND_WORK_MAX)
        return 0;
    for (; entry < end; entry++) {
        uint64_t number = SYMBOL_INDEX(entry->r_info), at = entry->r_offset - low;
        uint32_t type = TYPE(entry->r_info) - range.first;
        enum relocation_kind kind = type < range.count ? range.kinds[type] : RELOCATION_UNKNOWN;
        if (!(USUAL >> kind & 1) || number - 1 >= symbol_count - 1 || at >= span)
            break;
        const struct elf_symbol *symbol = &symbols[number];
        uint64_t name = symbol->st_name;
        if (symbol->st_info < STB_GLOBAL << 4 || symbol->st_other != STV_DEFAULT || name >= string_count)
            break;
        const struct version *version = number < versioned ? quick_version(module, number) : NULL;
        struct reference reference = {
            .name = symbol_name_quick(strings + name, string_count - name),
            .version = version && version->name ? version : NULL,
            .is_call = kind == RELOCATION_JUMP_SLOT,
        };
        const struct module *provider;
        if (index) {
            symbol = find(index, &reference, &provider);
        } else {
            struct definition found = scope_search(link->state.searched, link->state.searched_count, &reference, NULL, &link->ground.work);
            symbol = found.symbol && symbol_is_plain(found.symbol) ? found.symbol : NULL;
            provider = found.module;
        }
        if (!symbol || !provider->initial)
            break;
        uint64_t addend = kind == RELOCATION_ABSOLUTE || slot_addend ? (uint64_t)entry->r_addend : 0;
        set_word(window + at, provider->bias + symbol->st_value + addend);
    }
    link->ground.work += (uint64_t)(entry - first);
    return (uint64_t)(entry - first);
}
