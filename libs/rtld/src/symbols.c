/* Finding a symbol in one module: GNU hash table, or the gABI's where there is none. */
#include "symbols.h"

#include "gnu_hash.h"

void module_hashed(const struct module *module, uint64_t *first, uint64_t *end)
{
    struct gnu_hash table;
    *first = *end = 0;
    if (!gnu_hash_read(module, &table))
        return;
    uint64_t last = 0;
    for (uint32_t i = 0; i < table.bucket_count; i++)
        if (table.buckets[i] > last)
            last = table.buckets[i];
    if (last < table.first)
        return;
    while (last - table.first < table.chain_count && last < module->symbols.count &&
           !(table.chain[last - table.first] & 1))
        last++;
    if (last - table.first >= table.chain_count || last >= module->symbols.count)
        return;
    *first = table.first;
    *end = last + 1;
}

uint64_t module_symbol_count(const struct module *module)
{
    uint64_t first, end;
    if (module->gnu_hash.count) {
        module_hashed(module, &first, &end);
        return end ? end : ((const uint32_t *)module->gnu_hash.data)[1] < module->symbols.count
                               ? ((const uint32_t *)module->gnu_hash.data)[1]
                               : 0;
    }
    uint64_t count = module->hash.count ? ((const uint32_t *)module->hash.data)[1] : 0;
    return count < module->symbols.count ? count : module->symbols.count;
}

/* Sets, as bits by number. */
#define BINDINGS (1u << STB_GLOBAL | 1u << STB_WEAK | 1u << STB_GNU_UNIQUE)
#define TYPES (1u << STT_NOTYPE | 1u << STT_OBJECT | 1u << STT_FUNC | 1u << STT_COMMON | 1u << STT_TLS | 1u << STT_GNU_IFUNC)
#define VISIBILITIES (1u << STV_DEFAULT | 1u << STV_PROTECTED)

static inline bool is_definition(const struct elf_symbol *symbol, bool is_call)
{
    unsigned type = symbol->st_info & 15;
    if (!(BINDINGS >> (symbol->st_info >> 4) & TYPES >> type & VISIBILITIES >> (symbol->st_other & 3) & 1))
        return false;
    if (symbol->st_value == 0 && symbol->st_shndx != SHN_ABS && type != STT_TLS)
        return false;
    /* An undefined function with a value is the program's PLT entry, its address for everybody. */
    return symbol->st_shndx != SHN_UNDEF || (!is_call && symbol->st_value && type != STT_TLS);
}

enum match symbol_match(const struct module *module, uint64_t index, const struct elf_symbol *symbol,
                            const struct reference *reference)
{
    if (!is_definition(symbol, reference->is_call))
        return MATCH_NO;
    if (index >= module->versym.count)
        return MATCH_YES; /* a module without versions answers for any */
    uint32_t versym = ((const uint16_t *)module->versym.data)[index], number = versym & VERSYM_INDEX;
    const struct version *wanted = reference->version;
    if (!wanted) {
        /* Of several versions the oldest is meant: the base, or else the first that there was. */
        if (number < (reference->newest ? 2 : 3))
            return MATCH_YES;
        return versym & VERSYM_HIDDEN ? MATCH_NO : MATCH_VERSIONED;
    }
    const struct version *version = module_symbol_version(module, index);
    /* A symbol without a version was there before versions were. */
    return (version ? version_is_checked(wanted, version) || version_equal(version, wanted)
                    : !wanted->hidden && !(versym & VERSYM_HIDDEN))
               ? MATCH_YES
               : MATCH_NO;
}

/* What a look-up found in one chain so far. */
struct candidate {
    const struct elf_symbol *versioned;
    unsigned versions;
};

static const struct elf_symbol *consider(const struct module *module, uint64_t index, const struct reference *reference,
                                         struct candidate *candidate)
{
    const struct elf_symbol *symbol = (const struct elf_symbol *)module->symbols.data + index;
    if (!symbol_name_is(module, symbol, &reference->name))
        return NULL;
    enum match match = symbol_match(module, index, symbol, reference);
    if (match == MATCH_VERSIONED && candidate->versions++ == 0)
        candidate->versioned = symbol;
    return match == MATCH_YES ? symbol : NULL;
}

static const struct elf_symbol *lookup_gnu(const struct module *module, const struct reference *reference, uint64_t *work)
{
    struct gnu_hash table;
    uint32_t hash = reference->name.gnu_hash;
    if (!gnu_hash_read(module, &table))
        return NULL;
    if (table.bloom_count) {
        /* The number of words is a power of two in sound files; a remainder serves the others. */
        uint32_t words = table.bloom_count, at = hash / 64;
        uint64_t filter = table.bloom[words & (words - 1) ? at % words : at & (words - 1)];
        if (!(filter >> hash % 64 & filter >> (hash >> table.bloom_shift) % 64 & 1))
            return NULL;
    }
    uint64_t index = table.buckets[hash % table.bucket_count];
    if (index < table.first)
        return NULL;
    struct candidate candidate = {0};
    for (; index - table.first < table.chain_count && index < module->symbols.count; index++) {
        uint32_t value = table.chain[index - table.first];
        const struct elf_symbol *found;
        ++*work;
        if ((value | 1) == (hash | 1) && (found = consider(module, index, reference, &candidate)))
            return found;
        if (value & 1)
            break;
    }
    return candidate.versions == 1 ? candidate.versioned : NULL;
}

/* Layout: nbucket, nchain; buckets; chain. */
static const struct elf_symbol *lookup_gabi(const struct module *module, const struct reference *reference, uint64_t *work)
{
    const uint32_t *words = module->hash.data;
    uint64_t bucket_count = words[0], chain_count = words[1];
    if (!bucket_count || 8 + (bucket_count + chain_count) * 4 > module->hash.count || chain_count > module->symbols.count)
        return NULL;
    const uint32_t *chain = words + 2 + bucket_count;
    uint64_t index = words[2 + gabi_hash(reference->name.text) % bucket_count];
    struct candidate candidate = {0};
    /* A chain visits each symbol once at most; more steps are a loop. */
    for (uint64_t step = 0; index && index < chain_count && step < chain_count; step++) {
        const struct elf_symbol *found = consider(module, index, reference, &candidate);
        ++*work;
        if (found)
            return found;
        index = chain[index];
    }
    return candidate.versions == 1 ? candidate.versioned : NULL;
}

const struct elf_symbol *module_lookup(const struct module *module, const struct reference *reference, uint64_t *work)
{
    if (!module->symbols.count)
        return NULL;
    if (module->gnu_hash.count)
        return lookup_gnu(module, reference, work);
    return module->hash.count ? lookup_gabi(module, reference, work) : NULL;
}

const struct elf_symbol *module_symbol_at(const struct module *module, uint64_t address)
{
    const struct elf_symbol *best = NULL;
    uint64_t count = module_symbol_count(module);
    for (uint64_t i = 1; i < count; i++) {
        const struct elf_symbol *symbol = module_symbol(module, i);
        unsigned type = symbol->st_info & 15;
        if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || type == STT_TLS ||
            symbol->st_value > address || (best && symbol->st_value <= best->st_value))
            continue;
        /* Without a size, up to whatever comes next. */
        if (symbol->st_size ? address - symbol->st_value < symbol->st_size : symbol->st_value == address || type == STT_FUNC)
            best = symbol;
    }
    return best;
}
