/* Relocation of one module: bind each reference, store each word. */
#include "relocate.h"

#define DESCRIPTOR_OFFSET_BITS 40

typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned_u32;

bool relocation_refuse(const struct relocation *relocation, enum link_error error, const struct elf_rela *entry)
{
    return ground_refuse(&relocation->link->ground, error, relocation->module->name, entry->r_offset, TYPE(entry->r_info));
}

/* Make the writable segment around an address the one that is stored to; false: there is none. */
static bool turn_to(struct relocation *relocation, uint64_t address)
{
    const struct segment *segment = module_segment(relocation->module, address);
    if (!segment || !segment->staging)
        return false;
    relocation->low = segment->address;
    relocation->span = segment->memory_size;
    relocation->staging = segment->staging + (segment->address - segment->page_address);
    return true;
}

/* `size` bytes of a writable segment; NULL after a report. */
static uint8_t *place_slowly(struct relocation *relocation, uint64_t address, uint64_t size)
{
    if (turn_to(relocation, address) && within(address - relocation->low, size, relocation->span))
        return relocation->staging + (address - relocation->low);
    ground_refuse(&relocation->link->ground, LINK_TEXT_RELOCATION, relocation->module->name, address, 0);
    return NULL;
}

uint8_t *relocation_place(struct relocation *relocation, uint64_t address, uint64_t size)
{
    uint64_t at = address - relocation->low;
    if (at < relocation->span && size <= relocation->span - at)
        return relocation->staging + at;
    return place_slowly(relocation, address, size);
}

/* Out of line, as the hot loops have their own stores. */
__attribute__((noinline)) bool relocation_store(struct relocation *relocation, uint64_t address, uint64_t value)
{
    uint8_t *target = relocation_place(relocation, address, WORD);
    if (target)
        set_word(target, value);
    return target;
}

static bool store_32(struct relocation *relocation, const struct elf_rela *entry, uint64_t value, bool fits)
{
    uint8_t *target = fits ? relocation_place(relocation, entry->r_offset, 4) : NULL;
    if (target)
        *(unaligned_u32 *)target = (uint32_t)value;
    return fits ? target != NULL : relocation_refuse(relocation, LINK_OVERFLOW, entry);
}

static bool fits_signed(uint64_t value)
{
    return (uint64_t)(int32_t)value == value;
}

static inline void add_bias(uint8_t *target, uint64_t bias)
{
    set_word(target, word_at(target) + bias);
}

/* RELR: an even word is the address of a word to adjust, an odd one a bitmap for the 63 words after it. */
static bool relocate_relr(struct relocation *relocation)
{
    const uint64_t *entries = relocation->module->relr.data, bias = relocation->module->bias;
    uint64_t next = 0;
    for (uint64_t i = 0; i < relocation->module->relr.count; i++) {
        uint64_t entry = entries[i];
        if (!(entry & 1)) {
            uint8_t *target = relocation_place(relocation, entry, WORD);
            if (!target)
                return false;
            add_bias(target, bias);
            next = entry + WORD;
            continue;
        }
        uint64_t bits = entry >> 1;
        if (bits) {
            /* One check for all of the bitmap's words, from the first to the last. */
            unsigned last = 63 - (unsigned)__builtin_clzll(bits);
            uint8_t *target = relocation_place(relocation, next, (last + 1) * WORD);
            if (!target)
                return false;
            if (!(bits & (bits + 1)))
                for (unsigned word = 0; word <= last; word++)
                    add_bias(target + word * WORD, bias);
            else
                for (; bits; bits &= bits - 1)
                    add_bias(target + (unsigned)__builtin_ctzll(bits) * WORD, bias);
        }
        next += 63 * WORD;
    }
    return true;
}

static void report_binding(struct relocation *relocation, const struct elf_rela *entry, const char *name,
                         const struct version *version, const struct definition *found)
{
    const struct link_host *host = relocation->link->settings.host;
    struct link_binding record = {
        .object = relocation->module->name,
        .symbol = name,
        .version = version ? version->name : NULL,
        .offset = entry->r_offset,
        .type = TYPE(entry->r_info),
    };
    if (found->module) {
        bool plain = found->symbol->st_shndx == SHN_ABS || (found->symbol->st_info & 15) == STT_TLS;
        record.provider = found->module->name;
        record.address = found->symbol->st_value + (plain ? 0 : found->module->bias);
    }
    host->binding(host->context, &record);
}

static bool undefined(struct relocation *relocation, const struct elf_rela *entry, const char *name,
                      const struct version *version)
{
    return ground_report(&relocation->link->ground, &(struct report){
        .error = LINK_UNDEFINED,
        .object = relocation->module->name,
        .symbol = name,
        .version = version ? version->name : NULL,
        .provider = version ? version->file : NULL,
        .offset = entry->r_offset,
        .searched = relocation->link->state.searched,
        .searched_count = relocation->link->state.searched_count,
    });
}

/* An object's own protected definition is what it gets, unless the program stands in for the function's address. */
static struct definition own_protected(struct relocation *relocation, const struct elf_symbol *symbol,
                                       struct reference *reference, struct definition found)
{
    struct definition own = {relocation->module, symbol};
    if (reference->is_call || !found.module || found.symbol->st_shndx != SHN_UNDEF)
        return own;
    reference->is_call = true;
    struct definition called = scope_lookup(relocation->link, relocation->module, reference, NULL);
    return called.module == relocation->module ? found : own;
}

/* The definition of the entry's symbol: {module, NULL} for symbol 0, {NULL, NULL} for a weak one that is absent. */
bool relocation_bind(struct relocation *relocation, const struct elf_rela *entry, bool is_call,
                     const struct module *except, struct definition *found)
{
    struct link *link = relocation->link;
    struct module *module = relocation->module;
    uint64_t index = SYMBOL_INDEX(entry->r_info);
    if (index == relocation->index && is_call == relocation->is_call && !except) {
        *found = relocation->definition;
        return true;
    }
    *found = (struct definition){module, NULL};
    if (index == 0)
        return true;
    const struct elf_symbol *symbol = quick_symbol(module, index);
    const char *name = symbol ? quick_string(module, symbol->st_name) : NULL;
    if (!name)
        return ground_refuse(&link->ground, LINK_BAD_SYMBOL, module->name, entry->r_offset, index);
    unsigned binding = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    found->symbol = symbol;
    /* What nobody else sees needs no search. */
    if (binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL) {
        if (symbol->st_shndx != SHN_UNDEF)
            return true;
        *found = (struct definition){0};
        return binding == STB_WEAK || undefined(relocation, entry, name, NULL);
    }
    struct reference reference = {
        .name = symbol_name_of(name, module->strings.count - symbol->st_name),
        .version = module->versym.count ? module_symbol_version(module, index) : NULL,
        .is_call = is_call,
    };
    *found = scope_lookup(link, module, &reference, except);
    if (visibility == STV_PROTECTED && symbol->st_shndx != SHN_UNDEF && !except)
        *found = own_protected(relocation, symbol, &reference, *found);
    if (link->ground.work > GROUND_WORK_MAX)
        return ground_work(&link->ground, module, 0);
    if (!found->module && binding != STB_WEAK)
        return undefined(relocation, entry, name, reference.version);
    if (found->module && found->symbol->st_info >> 4 == STB_GNU_UNIQUE &&
        !scope_unique(link, &reference.name, found))
        return false;
    if (found->module && found->module != relocation->provider && !runtime_depend(link, module, found->module))
        return false;
    relocation->provider = found->module;
    if (!except) {
        relocation->index = index;
        relocation->is_call = is_call;
        relocation->definition = *found;
    }
    if (link->settings.host->binding)
        report_binding(relocation, entry, name, reference.version, found);
    return true;
}

static uint64_t address_of(const struct definition *definition)
{
    if (!definition->module)
        return 0;
    uint64_t bias = definition->symbol->st_shndx == SHN_ABS ? 0 : definition->module->bias;
    return bias + definition->symbol->st_value;
}

static bool is_indirect(const struct definition *definition)
{
    return definition->symbol && (definition->symbol->st_info & 15) == STT_GNU_IFUNC &&
           definition->symbol->st_shndx != SHN_UNDEF;
}

/* The word waits until everything else is in its place: then a function may be called that says what it is. */
static bool resolve_later(struct relocation *relocation, uint64_t offset, uint64_t resolver, uint64_t addend)
{
    struct module *module = relocation->module;
    return relocation_place(relocation, offset, WORD) &&
           pending_ifunc_add(relocation->link, &(struct pending_ifunc){module, module->bias + offset, resolver, addend});
}

static bool relocate_symbol(struct relocation *relocation, const struct elf_rela *entry, enum relocation_kind kind)
{
    struct definition found;
    uint64_t addend = (uint64_t)entry->r_addend, here = relocation->module->bias + entry->r_offset;
    if (!relocation_bind(relocation, entry, kind == RELOCATION_JUMP_SLOT, NULL, &found))
        return false;
    bool is_slot = kind == RELOCATION_GLOB_DAT || kind == RELOCATION_JUMP_SLOT;
    if (is_slot && !relocation->machine->slot_addend)
        addend = 0;
    if (found.module && !found.symbol) {
        /* Symbol 0 has the value 0 and belongs to nobody. */
        found.module = NULL;
    } else if (found.symbol && (found.symbol->st_info & 15) == STT_TLS && kind != RELOCATION_SIZE_32 &&
               kind != RELOCATION_SIZE_64) {
        return relocation_refuse(relocation, LINK_BAD_RELOCATION, entry);
    }
    uint64_t address = address_of(&found);
    if (is_indirect(&found) && kind != RELOCATION_SIZE_32 && kind != RELOCATION_SIZE_64) {
        if (kind != RELOCATION_ABSOLUTE && !is_slot)
            return relocation_refuse(relocation, LINK_BAD_RELOCATION, entry);
        return resolve_later(relocation, entry->r_offset, address, addend);
    }
    uint64_t size = found.module ? found.symbol->st_size : 0;
    switch (kind) {
    case RELOCATION_ABSOLUTE_32:
        return store_32(relocation, entry, address + addend, (address + addend) >> 32 == 0);
    case RELOCATION_PC_32:
        return store_32(relocation, entry, address + addend - here, fits_signed(address + addend - here));
    case RELOCATION_PC_64:
        return relocation_store(relocation, entry->r_offset, address + addend - here);
    case RELOCATION_SIZE_32:
        return store_32(relocation, entry, size + addend, (size + addend) >> 32 == 0);
    case RELOCATION_SIZE_64:
        return relocation_store(relocation, entry->r_offset, size + addend);
    default: {
        uint8_t *target = relocation_place(relocation, entry->r_offset, WORD);
        if (target)
            set_word(target, address + addend);
        return target;
    }
    }
}

static bool no_static_tls(struct relocation *relocation, const struct elf_rela *entry, const struct module *provider)
{
    return ground_report(&relocation->link->ground, &(struct report){
        .error = LINK_NO_STATIC_TLS,
        .object = relocation->module->name,
        .provider = provider->name,
        .offset = entry->r_offset,
        .value = provider->tls_size,
    });
}

static bool store_descriptor(struct relocation *relocation, uint64_t offset, uint64_t function, uint64_t argument)
{
    uint8_t *target = relocation_place(relocation, offset, 2 * WORD);
    if (target) {
        set_word(target, function);
        set_word(target + WORD, argument);
    }
    return target;
}

static bool relocate_descriptor(struct relocation *relocation, const struct elf_rela *entry,
                                const struct definition *found, uint64_t value)
{
    struct link *link = relocation->link;
    const struct link_tls_descriptors *functions = &link->settings.tls_descriptors;
    if (!functions->fixed || !functions->dynamic || !functions->absent)
        return relocation_refuse(relocation, LINK_UNKNOWN_RELOCATION, entry);
    if (!found->module)
        return store_descriptor(relocation, entry->r_offset, functions->absent, value);
    /* The fixed form is faster, but the surplus is for those who cannot do without. */
    if (found->module->tls_is_static)
        return store_descriptor(relocation, entry->r_offset, functions->fixed,
                                (uint64_t)found->module->tls_offset + value);
    if (value >> DESCRIPTOR_OFFSET_BITS || found->module->tls_module >> (64 - DESCRIPTOR_OFFSET_BITS))
        return relocation_refuse(relocation, LINK_OVERFLOW, entry);
    return store_descriptor(relocation, entry->r_offset, functions->dynamic,
                            found->module->tls_module << DESCRIPTOR_OFFSET_BITS | value);
}

static bool relocate_tls(struct relocation *relocation, const struct elf_rela *entry, enum relocation_kind kind)
{
    struct definition found;
    uint64_t value = (uint64_t)entry->r_addend;
    if (!relocation_bind(relocation, entry, true, NULL, &found))
        return false;
    if (found.module) {
        if (!found.module->tls_module || (found.symbol && (found.symbol->st_info & 15) != STT_TLS))
            return relocation_refuse(relocation, LINK_BAD_RELOCATION, entry);
        value += found.symbol ? found.symbol->st_value : 0;
    }
    switch (kind) {
    case RELOCATION_TLS_MODULE:
        return relocation_store(relocation, entry->r_offset, found.module ? found.module->tls_module : 0);
    case RELOCATION_TLS_OFFSET:
        return relocation_store(relocation, entry->r_offset, value - (found.module ? relocation->machine->tls_bias : 0));
    case RELOCATION_TLS_POINTER:
        if (found.module && !tls_make_static(relocation->link, found.module))
            return no_static_tls(relocation, entry, found.module);
        return relocation_store(relocation, entry->r_offset, value + (found.module ? (uint64_t)found.module->tls_offset : 0));
    default:
        return relocate_descriptor(relocation, entry, &found, value);
    }
}

static bool relocate_entry(struct relocation *relocation, const struct elf_rela *entry)
{
    enum relocation_kind kind = machine_relocation(relocation->machine, TYPE(entry->r_info));
    uint64_t bias = relocation->module->bias;
    switch (kind) {
    case RELOCATION_COPY: /* when all others are done: module_relocate_copies */
        relocation->module->has_copies = true;
        return true;
    case RELOCATION_NONE:
        return true;
    case RELOCATION_RELATIVE:
        return relocation_store(relocation, entry->r_offset, bias + (uint64_t)entry->r_addend);
    case RELOCATION_IRELATIVE:
        return resolve_later(relocation, entry->r_offset, bias + (uint64_t)entry->r_addend, 0);
    case RELOCATION_TLS_MODULE:
    case RELOCATION_TLS_OFFSET:
    case RELOCATION_TLS_POINTER:
    case RELOCATION_TLS_DESCRIPTOR:
        return relocate_tls(relocation, entry, kind);
    case RELOCATION_UNKNOWN:
        return relocation_refuse(relocation, LINK_UNKNOWN_RELOCATION, entry);
    default:
        return relocate_symbol(relocation, entry, kind);
    }
}

/* Most entries of most tables are relative, one after the other. */
static const struct elf_rela *relocate_relative(struct relocation *relocation, const struct elf_rela *entry,
                                                const struct elf_rela *end)
{
    uint64_t bias = relocation->module->bias, low = relocation->low, info = relocation->machine->relative;
    uint64_t last = relocation->span >= WORD ? relocation->span - WORD : 0;
    uint8_t *window = relocation->staging;
    for (; entry < end && entry->r_info == info && window && entry->r_offset - low <= last; entry++) {
        /* The table is long and read once, from memory: nothing else is as slow. */
        __builtin_prefetch(entry + 256);
        set_word(window + (entry->r_offset - low), bias + (uint64_t)entry->r_addend);
    }
    return entry;
}

/* `cached`: of all entries but the first `skipped` ones. */
static bool relocate_table(struct relocation *relocation, const struct table *table, struct cached_binding *cached,
                           uint64_t skipped)
{
    if (!table->count)
        return true;
    const struct elf_rela *entry = table->data, *end = entry + table->count;
    bool good = true;
    relocation->cached = cached;
    relocation->cached_first = entry + skipped;
    /* All of them, so that every undefined symbol is reported at once, if the host wants to hear it. */
    while (entry < end && !relocation->link->ground.stopped) {
        const struct elf_rela *before = entry;
        if (entry->r_offset - relocation->low >= relocation->span)
            turn_to(relocation, entry->r_offset);
        bool may_be_cached = cached && entry >= relocation->cached_first;
        entry += may_be_cached ? relocation->link->settings.cache_functions->bind(relocation, entry, end)
                               : relocate_usual(relocation, entry, end);
        if (entry < end && entry->r_info == relocation->machine->relative)
            entry = relocate_relative(relocation, entry, end);
        if (entry == before)
            good &= relocate_entry(relocation, entry++);
    }
    return good;
}

struct relocation relocation_of(struct link *link, struct module *module)
{
    return (struct relocation){.link = link, .module = module, .machine = machine_find(module->machine)};
}

bool module_relocate(struct link *link, struct module *module)
{
    struct relocation relocation = relocation_of(link, module);
    const struct cached_module *cached = module->cached;
    /* Those of RELR add to what is there; others store the same once more. */
    bool good = module->file.adjusted || relocate_relr(&relocation);
    good &= relocate_table(&relocation, &module->rela, cached ? cached->rela : NULL, cached ? cached->relative_count : 0);
    return relocate_table(&relocation, &module->plt_rela, cached ? cached->plt_rela : NULL, 0) && good;
}
