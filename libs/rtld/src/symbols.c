/* Finding a symbol in one image: GNU hash table, or the gABI's where there is none. */
#include <rtld/image.h>
#include <string.h>

struct symbol_name symbol_name_of(const char *text)
{
    struct symbol_name name = {.text = text, .gnu_hash = 5381};
    for (const uint8_t *at = (const uint8_t *)text; *at; at++) {
        name.gnu_hash = name.gnu_hash * 33 + *at;
        name.hash = (name.hash << 4) + *at;
        name.hash ^= name.hash >> 24 & 0xf0;
    }
    name.hash &= 0xfffffff;
    return name;
}

/* A definition that others may bind to, with this name. */
static bool matches(const struct image *image, const struct elf_symbol *symbol, const char *text)
{
    unsigned binding = symbol->st_info >> 4;
    const char *name = image_string(image, symbol->st_name);
    if (symbol->st_shndx == SHN_UNDEF || !name)
        return false;
    if (binding != STB_GLOBAL && binding != STB_WEAK && binding != STB_GNU_UNIQUE)
        return false;
    unsigned visibility = symbol->st_other & 3;
    if (visibility != STV_DEFAULT && visibility != STV_PROTECTED)
        return false;
    return strcmp(name, text) == 0;
}

/* Layout: nbuckets, symoffset, bloom words, bloom shift; bloom filter; buckets; chain values. */
static const struct elf_symbol *lookup_gnu(const struct image *image, const struct symbol_name *name)
{
    const uint32_t *words = image->gnu_hash.data;
    uint64_t bucket_count = words[0], first = words[1], bloom_count = words[2], bloom_shift = words[3] & 63;
    uint64_t bloom_bytes = bloom_count * 8, bucket_bytes = bucket_count * 4;
    if (!bucket_count || 16 + bloom_bytes + bucket_bytes > image->gnu_hash.count)
        return NULL;
    uint32_t hash = name->gnu_hash;
    if (bloom_count) {
        uint64_t filter = ((const uint64_t *)(words + 4))[hash / 64 % bloom_count];
        uint64_t wanted = 1ull << hash % 64 | 1ull << (bloom_shift < 32 ? hash >> bloom_shift : 0) % 64;
        if ((filter & wanted) != wanted)
            return NULL;
    }
    const uint32_t *buckets = words + 4 + bloom_count * 2;
    const uint32_t *chain = buckets + bucket_count;
    uint64_t chain_count = (image->gnu_hash.count - 16 - bloom_bytes - bucket_bytes) / 4;
    uint64_t index = buckets[hash % bucket_count];
    if (index < first)
        return NULL;
    for (; index - first < chain_count; index++) {
        uint32_t value = chain[index - first];
        const struct elf_symbol *symbol = image_symbol(image, index);
        if (!symbol)
            return NULL;
        if ((value | 1) == (hash | 1) && matches(image, symbol, name->text))
            return symbol;
        if (value & 1)
            return NULL;
    }
    return NULL;
}

/* Layout: nbucket, nchain; buckets; chain. */
static const struct elf_symbol *lookup_gabi(const struct image *image, const struct symbol_name *name)
{
    const uint32_t *words = image->hash.data;
    uint64_t bucket_count = words[0], chain_count = words[1];
    if (!bucket_count || 8 + (bucket_count + chain_count) * 4 > image->hash.count)
        return NULL;
    const uint32_t *chain = words + 2 + bucket_count;
    uint64_t index = words[2 + name->hash % bucket_count];
    /* A chain visits each symbol once at most; more steps are a loop. */
    for (uint64_t step = 0; index && index < chain_count && step < chain_count; step++) {
        const struct elf_symbol *symbol = image_symbol(image, index);
        if (symbol && matches(image, symbol, name->text))
            return symbol;
        index = chain[index];
    }
    return NULL;
}

const struct elf_symbol *image_lookup(const struct image *image, const struct symbol_name *name)
{
    if (!image->symbols.count)
        return NULL;
    if (image->gnu_hash.count)
        return lookup_gnu(image, name);
    return image->hash.count ? lookup_gabi(image, name) : NULL;
}
