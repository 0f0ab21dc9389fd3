/* Binding and relocation of one image. */
#include <string.h>

#include "internal.h"

#define SYMBOL_INDEX(info) ((info) >> 32)
#define TYPE(info) ((uint32_t)(info))
#define WORD 8

/* Whom a reference is bound to; image NULL: a weak reference that nobody defines. */
struct definition {
    const struct image *image;
    const struct elf_symbol *symbol;
};

static bool store(struct link *link, const struct image *image, uint64_t address, uint64_t value)
{
    void *window = image_window(image, address, WORD);
    if (!window)
        return link_refuse(link, LINK_TEXT_RELOCATION, image, NULL, address, 0);
    memcpy(window, &value, WORD);
    return true;
}

static bool add_bias(struct link *link, const struct image *image, uint64_t address)
{
    uint64_t value;
    const void *window = image_window(image, address, WORD);
    if (!window)
        return link_refuse(link, LINK_TEXT_RELOCATION, image, NULL, address, 0);
    memcpy(&value, window, WORD);
    return store(link, image, address, value + image->bias);
}

/* RELR: an even word is the address of a word to adjust, an odd one a bitmap for the 63 words after it. */
static bool relocate_relr(struct link *link, const struct image *image)
{
    const uint64_t *entries = image->relr.data;
    uint64_t next = 0;
    for (uint64_t i = 0; i < image->relr.count; i++) {
        uint64_t entry = entries[i];
        if (!(entry & 1)) {
            if (!add_bias(link, image, entry))
                return false;
            next = entry + WORD;
            continue;
        }
        for (uint64_t bits = entry >> 1, address = next; bits; bits >>= 1, address += WORD)
            if ((bits & 1) && !add_bias(link, image, address))
                return false;
        next += 63 * WORD;
    }
    return true;
}

static uint64_t symbol_address(const struct definition *definition)
{
    if (!definition->image)
        return 0;
    uint64_t bias = definition->symbol->st_shndx == SHN_ABS ? 0 : definition->image->bias;
    return bias + definition->symbol->st_value;
}

static struct definition search(const struct link *link, const struct image *referrer, const char *text)
{
    struct symbol_name name = symbol_name_of(text);
    const struct elf_symbol *symbol;
    if (referrer->symbolic && (symbol = image_lookup(referrer, &name)))
        return (struct definition){referrer, symbol};
    for (const struct image *image = link->first; image; image = image->next)
        if ((symbol = image_lookup(image, &name)))
            return (struct definition){image, symbol};
    return (struct definition){0};
}

static bool bind(struct link *link, const struct image *image, const struct elf_rela *entry, struct definition *found)
{
    uint64_t index = SYMBOL_INDEX(entry->r_info);
    *found = (struct definition){image, NULL};
    if (index == 0)
        return true;
    const struct elf_symbol *symbol = image_symbol(image, index);
    const char *name = symbol ? image_string(image, symbol->st_name) : NULL;
    if (!name)
        return link_refuse(link, LINK_BAD_SYMBOL, image, NULL, entry->r_offset, index);
    unsigned binding = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    /* What cannot be interposed is bound to itself, without a search. */
    if (binding == STB_LOCAL || (symbol->st_shndx != SHN_UNDEF && visibility != STV_DEFAULT)) {
        found->symbol = symbol;
        return true;
    }
    *found = search(link, image, name);
    if (!found->image && binding != STB_WEAK)
        return link_refuse(link, LINK_UNDEFINED, image, name, entry->r_offset, 0);
    if (link->host->binding) {
        struct link_binding record = {
            .object = image->name,
            .symbol = name,
            .provider = found->image ? found->image->name : NULL,
            .value = symbol_address(found),
        };
        link->host->binding(link->host->context, &record);
    }
    return true;
}

/* The value of a symbol within its module's thread-local block; without a symbol the image's own block. */
static bool tls_value(struct link *link, const struct image *image, const struct elf_rela *entry,
                      const struct definition *definition, uint64_t *value)
{
    bool is_tls = !definition->symbol || (definition->symbol->st_info & 15) == STT_TLS;
    if (!definition->image || !definition->image->tls_module || !is_tls)
        return link_refuse(link, LINK_BAD_RELOCATION, image, NULL, entry->r_offset, TYPE(entry->r_info));
    *value = (definition->symbol ? definition->symbol->st_value : 0) + (uint64_t)entry->r_addend;
    return true;
}

static bool relocate_tls(struct link *link, const struct image *image, const struct elf_rela *entry,
                         enum relocation_kind kind, const struct definition *definition)
{
    uint64_t value;
    if (!tls_value(link, image, entry, definition, &value))
        return false;
    if (kind == RELOCATION_TLS_MODULE)
        value = definition->image->tls_module;
    else if (kind == RELOCATION_TLS_POINTER)
        value -= definition->image->tls_offset;
    return store(link, image, entry->r_offset, value);
}

static bool relocate_entry(struct link *link, const struct image *image, const struct elf_rela *entry)
{
    enum relocation_kind kind = machine_relocation(image->machine, TYPE(entry->r_info));
    struct definition definition;
    switch (kind) {
    case RELOCATION_NONE:
        return true;
    case RELOCATION_RELATIVE:
        return store(link, image, entry->r_offset, image->bias + (uint64_t)entry->r_addend);
    case RELOCATION_ABSOLUTE:
    case RELOCATION_SLOT:
        if (!bind(link, image, entry, &definition))
            return false;
        if (definition.image && !definition.symbol)
            return link_refuse(link, LINK_BAD_SYMBOL, image, NULL, entry->r_offset, 0);
        /* A resolver would have to run in the address space that is being made. */
        if (definition.symbol && (definition.symbol->st_info & 15) == STT_GNU_IFUNC)
            return link_refuse(link, LINK_UNKNOWN_RELOCATION, image, NULL, entry->r_offset, TYPE(entry->r_info));
        return store(link, image, entry->r_offset,
                     symbol_address(&definition) + (kind == RELOCATION_ABSOLUTE ? (uint64_t)entry->r_addend : 0));
    case RELOCATION_TLS_MODULE:
    case RELOCATION_TLS_OFFSET:
    case RELOCATION_TLS_POINTER:
        return bind(link, image, entry, &definition) && relocate_tls(link, image, entry, kind, &definition);
    default:
        return link_refuse(link, LINK_UNKNOWN_RELOCATION, image, NULL, entry->r_offset, TYPE(entry->r_info));
    }
}

static bool relocate_table(struct link *link, const struct image *image, const struct table *table)
{
    const struct elf_rela *entries = table->data;
    bool good = true;
    /* All of them, so that every undefined symbol is reported at once. */
    for (uint64_t i = 0; i < table->count; i++)
        good &= relocate_entry(link, image, &entries[i]);
    return good;
}

bool image_relocate(struct link *link, struct image *image)
{
    bool good = relocate_relr(link, image);
    good &= relocate_table(link, image, &image->rela);
    good &= relocate_table(link, image, &image->plt_rela);
    return good;
}
