/* One table over the exports of many images, for links where asking image after image costs more.
 *
 * Open addressing, at most half full. The key is the hash value that a GNU hash table keeps of each symbol
 * (without its lowest bit, which ends chains there), so that no name is read to build the index. Images are
 * entered in search order and symbols with one key stay in the order of entry: the first match is the answer. */
#include "internal.h"

#define STEPS_PER_EXPORT 16 /* only crafted names cluster more */

struct slot {
    uint32_t key;    /* hash | 1 */
    uint32_t image;  /* position in the search order plus one; 0: empty */
    uint32_t symbol;
};

struct symbol_index {
    struct image *const *images;
    struct slot *slots;
    unsigned shift;  /* of the mixed key, to the number of a slot */
    uint64_t mask;
};

static inline uint64_t slot_of(const struct symbol_index *index, uint32_t key)
{
    return ((uint64_t)key * 0x9e3779b97f4a7c15) >> index->shift;
}

/* Whether an earlier definition answers whatever this one would: then this one need not be there. */
static bool covers(const struct image *image, uint64_t symbol, const struct image *later, uint64_t later_symbol)
{
    const struct elf_symbol *here = image_symbol(image, symbol), *there = image_symbol(later, later_symbol);
    const char *name = image_string(later, there->st_name);
    if (!name || here->st_shndx == SHN_UNDEF)
        return false;
    struct reference reference = {.name = symbol_name_of(name, later->strings.count - there->st_name)};
    if (!symbol_name_is(image, here, &reference.name))
        return false;
    if (symbol >= image->versym.count && later_symbol >= later->versym.count)
        return symbol_match(image, symbol, here, &reference) == MATCH_YES;
    reference.version = image_symbol_version(image, symbol);
    const struct version *version = image_symbol_version(later, later_symbol);
    return reference.version && version && version->hash == reference.version->hash &&
           text_equal(version->name, reference.version->name) &&
           ((const uint16_t *)image->versym.data)[symbol] == ((const uint16_t *)later->versym.data)[later_symbol] &&
           symbol_match(image, symbol, here, &reference) == MATCH_YES;
}

static bool insert(struct symbol_index *index, uint32_t image, uint64_t symbol, uint32_t key, uint64_t *budget)
{
    uint64_t at = slot_of(index, key);
    for (struct slot *slot; (slot = &index->slots[at])->image; at = (at + 1) & index->mask) {
        if (!--*budget)
            return false;
        if (slot->key == key &&
            covers(index->images[slot->image - 1], slot->symbol, index->images[image - 1], symbol))
            return true;
    }
    index->slots[at] = (struct slot){key, image, (uint32_t)symbol};
    return true;
}

static bool insert_image(struct symbol_index *index, uint32_t number, uint64_t *budget)
{
    const struct image *image = index->images[number - 1];
    uint64_t first, end;
    image_hashed(image, &first, &end);
    if (end > UINT32_MAX)
        return false;
    if (end) {
        const uint32_t *words = image->gnu_hash.data;
        const uint32_t *chain = words + 4 + (uint64_t)words[2] * 2 + words[0];
        for (uint64_t i = first; i < end; i++)
            if (!insert(index, number, i, chain[i - first] | 1, budget))
                return false;
        return true;
    }
    if (image->gnu_hash.count || !image->symbols.count)
        return true;
    /* Only a gABI table: it keeps no hash values. */
    end = image_symbol_count(image);
    for (uint64_t i = 1; i < end; i++) {
        const struct elf_symbol *symbol = image_symbol(image, i);
        const char *name = image_string(image, symbol->st_name);
        if (!name || symbol->st_shndx == SHN_UNDEF)
            continue;
        uint32_t hash = symbol_name_of(name, image->strings.count - symbol->st_name).gnu_hash;
        if (!insert(index, number, i, hash | 1, budget))
            return false;
    }
    return true;
}

struct symbol_index *index_make(struct link *link, struct image *const *images, size_t count)
{
    uint64_t exports = 0, slots = 16;
    for (size_t i = 0; i < count; i++) {
        uint64_t first, end;
        image_hashed(images[i], &first, &end);
        exports += images[i]->gnu_hash.count ? end - first : image_symbol_count(images[i]);
    }
    struct symbol_index *index = scratch_alloc(link, 1, sizeof *index);
    if (!index)
        return NULL;
    *index = (struct symbol_index){.images = images, .shift = 60};
    for (; slots < exports * 2; slots *= 2)
        index->shift--;
    index->mask = slots - 1;
    index->slots = scratch_alloc(link, slots, sizeof *index->slots);
    uint64_t budget = exports * STEPS_PER_EXPORT + 4096;
    for (uint32_t i = 1; index->slots && i <= count; i++)
        if (!insert_image(index, i, &budget))
            return NULL; /* searching image after image has its own limits */
    return index->slots ? index : NULL;
}

struct definition index_lookup(const struct symbol_index *index, const struct reference *reference, uint64_t *work)
{
    uint32_t key = reference->name.gnu_hash | 1;
    uint64_t at = slot_of(index, key);
    for (const struct slot *slot; (slot = &index->slots[at])->image; at = (at + 1) & index->mask) {
        ++*work;
        if (slot->key != key)
            continue;
        struct image *image = index->images[slot->image - 1];
        const struct elf_symbol *symbol = (const struct elf_symbol *)image->symbols.data + slot->symbol;
        if (!symbol_name_is(image, symbol, &reference->name))
            continue;
        enum match match = symbol_match(image, slot->symbol, symbol, reference);
        /* Which of several versions an image means without one is decided over all of that image's. */
        if (match == MATCH_VERSIONED)
            symbol = image_lookup(image, reference, work);
        if (match != MATCH_NO && symbol)
            return (struct definition){image, symbol};
    }
    return (struct definition){0};
}
