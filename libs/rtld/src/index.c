/* One table over the exports of many images, for links where asking image after image costs more.
 *
 * Open addressing, at most half full. The key is the hash value that a GNU hash table keeps of each symbol
 * (without its lowest bit, which ends chains there), so that no name is read to build the index. Images are
 * entered in search order and symbols with one key stay in the order of entry: the first match is the answer. */
#include "internal.h"

#define STEPS_PER_EXPORT 16 /* only crafted names cluster more */
#define DOUBLES_MAX 4       /* so many entries of one key before equal names are looked for */
#define RUN_MAX 1024        /* slots that an entry may lie from its place */

/* Whether an earlier definition answers whatever this one would: then this one need not be there. */
static bool covers(const struct image *image, uint64_t symbol, const struct image *later, uint64_t later_symbol)
{
    const struct elf_symbol *here = quick_symbol(image, symbol), *there = quick_symbol(later, later_symbol);
    if (here->st_shndx == SHN_UNDEF || !symbol_names_equal(image, here, later, there))
        return false;
    struct reference reference = {.version = image_symbol_version(image, symbol)};
    if (symbol < image->versym.count || later_symbol < later->versym.count) {
        const struct version *version = image_symbol_version(later, later_symbol);
        if (!reference.version || !version || version->hash != reference.version->hash ||
            !text_equal(version->name, reference.version->name) ||
            ((const uint16_t *)image->versym.data)[symbol] != ((const uint16_t *)later->versym.data)[later_symbol])
            return false;
    }
    return symbol_match(image, symbol, here, &reference) == MATCH_YES;
}

/* A run of one key has become long: by chance, or because many images define one name. */
static bool is_covered(const struct symbol_index *index, const struct symbol_slot *slot, uint32_t image, uint64_t symbol,
                       uint32_t key)
{
    for (; slot->image; slot++)
        if (slot->key == key && covers(index->images[slot->image - 1], slot->symbol, index->images[image - 1], symbol))
            return true;
    return false;
}

static inline __attribute__((always_inline)) bool insert(const struct symbol_index *index, uint32_t image, uint64_t symbol, uint32_t key, uint64_t *steps)
{
    struct symbol_slot *first = &index->slots[index_slot(index, key)], *slot = first;
    if (slot->image) {
        unsigned doubles = 0;
        for (; slot->image; slot++)
            doubles += slot->key == key;
        *steps += (uint64_t)(slot - first);
        if (slot - first > RUN_MAX)
            return false;
        if (doubles >= DOUBLES_MAX && is_covered(index, first, image, symbol, key))
            return true;
    }
    *slot = (struct symbol_slot){key, image, (uint32_t)symbol};
    return true;
}

/* An image with only a gABI table, which keeps no hash values. */
static bool insert_names(const struct symbol_index *index, uint32_t number, uint64_t *steps)
{
    const struct image *image = index->images[number - 1];
    uint64_t end = image_symbol_count(image);
    for (uint64_t i = 1; i < end; i++) {
        const struct elf_symbol *symbol = quick_symbol(image, i);
        const char *name = quick_string(image, symbol->st_name);
        if (!name || symbol->st_shndx == SHN_UNDEF)
            continue;
        uint32_t hash = symbol_name_of(name, image->strings.count - symbol->st_name).gnu_hash;
        if (!insert(index, number, i, hash | 1, steps))
            return false;
    }
    return true;
}

static bool insert_image(const struct symbol_index *index, uint32_t number, uint64_t *steps)
{
    const struct symbol_index table = *index; /* in registers */
    const struct image *image = table.images[number - 1];
    if (!image->gnu_hash.count)
        return insert_names(index, number, steps);
    uint64_t first, end;
    image_hashed(image, &first, &end);
    if (end == 0 || end > UINT32_MAX)
        return end == 0;
    const uint32_t *words = image->gnu_hash.data, *chain = words + 4 + (uint64_t)words[2] * 2 + words[0];
    for (uint64_t i = first; i < end; i++)
        if (!insert(&table, number, i, chain[i - first] | 1, steps))
            return false;
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
    struct symbol_index *index = arena_alloc(link, &link->index_arena, 1, sizeof *index);
    if (!index)
        return NULL;
    *index = (struct symbol_index){.images = images, .shift = 60};
    for (; slots < exports * 2; slots *= 2)
        index->shift--;
    /* Runs do not go around: the table has room for the longest one at its end, and an empty slot after it. */
    index->slots = arena_alloc(link, &link->index_arena, slots + RUN_MAX + 1, sizeof *index->slots);
    uint64_t steps = 0;
    for (uint32_t i = 1; index->slots && i <= count; i++)
        if (!insert_image(index, i, &steps) || steps > exports * STEPS_PER_EXPORT + 65536)
            return NULL; /* crafted names; searching image after image has its own limits */
    return index->slots ? index : NULL;
}

struct definition index_lookup(const struct symbol_index *index, const struct reference *reference, uint64_t *work)
{
    uint32_t key = reference->name.gnu_hash | 1;
    const struct symbol_slot *slot = &index->slots[index_slot(index, key)];
    for (; slot->image; slot++, ++*work) {
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
