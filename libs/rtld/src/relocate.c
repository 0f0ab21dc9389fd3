/* Relocation of one module. */
#include "relocate.h"

#include "cache_functions.h"
#include "lazy.h"
#include "pending_ifunc.h"
#include "tls.h"

#define DESCRIPTOR_OFFSET_BITS 40

static inline void add_bias(uint8_t *target, uint64_t bias)
{
    set_word(target, word_at(target) + bias);
}

#define RELR_AT_ONCE 16 /* words between two pauses */

/* RELR: an even word is the address of a slot to adjust, an odd one a bitmap for the 63 slots after it. */
static void relocate_relr(struct slots *slots)
{
    const uint64_t *entries = slots->module->relr.data, bias = slots->module->bias;
    uint64_t next = 0;
    for (uint64_t i = 0; i < slots->module->relr.count; i++) {
        uint64_t entry = entries[i];
        if (i % RELR_AT_ONCE == RELR_AT_ONCE - 1 && !ground_pause(&slots->link->ground))
            return;
        if (!(entry & 1)) {
            uint8_t *target = slot_place(slots, entry, SLOT_SIZE);
            if (!target)
                return;
            add_bias(target, bias);
            next = entry + SLOT_SIZE;
            continue;
        }
        uint64_t bits = entry >> 1;
        if (bits) {
            /* One check for all of the bitmap's slots, from the first to the last. */
            unsigned last = 63 - (unsigned)__builtin_clzll(bits);
            uint8_t *target = slot_place(slots, next, (last + 1) * SLOT_SIZE);
            if (!target)
                return;
            if (!(bits & (bits + 1)))
                for (unsigned slot = 0; slot <= last; slot++)
                    add_bias(target + slot * SLOT_SIZE, bias);
            else
                for (; bits; bits &= bits - 1)
                    add_bias(target + (unsigned)__builtin_ctzll(bits) * SLOT_SIZE, bias);
        }
        next += 63 * SLOT_SIZE;
    }
}

static bool refuse(const struct relocation *relocation, enum link_error error, const struct elf_rela *entry)
{
    return ground_refuse(&relocation->slots.link->ground, error, relocation->slots.module->name, entry->r_offset,
                         (uint32_t)entry->r_info);
}

/* The slot waits until everything else is in its place: then a function may be called that says what it is. */
static bool resolve_later(struct relocation *relocation, uint64_t offset, uint64_t resolver, uint64_t addend)
{
    struct module *module = relocation->slots.module;
    return slot_place(&relocation->slots, offset, SLOT_SIZE) &&
           pending_ifunc_add(relocation->slots.link,
                             &(struct pending_ifunc){module, module->bias + offset, resolver, addend});
}

static bool store_32(struct relocation *relocation, const struct elf_rela *entry, uint64_t value, bool fits)
{
    uint8_t *target = fits ? slot_place(&relocation->slots, entry->r_offset, 4) : NULL;
    if (target)
        *(unaligned_u32 *)target = (uint32_t)value;
    return fits ? target != NULL : refuse(relocation, LINK_OVERFLOW, entry);
}

/* A program without position-independent code has room for a library's variable, and all use that one. The initial bytes
 * are those of a writable segment as relocated, of others as in the file. */
static bool copy(struct relocation *relocation, const struct elf_rela *entry, const struct definition *found)
{
    struct module *module = relocation->slots.module;
    const struct elf_symbol *symbol = module_symbol_inline(module, entry->r_info >> 32);
    if (!found->module)
        return true;
    if (!symbol || !found->symbol || found->module == module || found->symbol->st_shndx == SHN_UNDEF ||
        (found->symbol->st_info & 15) == STT_TLS)
        return refuse(relocation, LINK_BAD_RELOCATION, entry);
    uint64_t from = found->symbol->st_value;
    uint64_t size = symbol->st_size < found->symbol->st_size ? symbol->st_size : found->symbol->st_size;
    if (!size)
        return true;
    const void *source = module_staged(found->module, from, size);
    if (!source && !(source = module_data(found->module, from, size, 1)))
        return refuse(relocation, LINK_BAD_RELOCATION, entry);
    uint8_t *target = slot_place(&relocation->slots, entry->r_offset, size);
    if (!target)
        return false;
    memmove(target, source, size);
    return pending_ifunc_copy(relocation->slots.link, module, found->module->bias + from, module->bias + entry->r_offset, size);
}

static bool relocate_descriptor(struct relocation *relocation, const struct elf_rela *entry, const struct module *module,
                                uint64_t value)
{
    const struct link_host *host = relocation->slots.link->settings.host;
    struct link_tls_descriptors *functions = &relocation->slots.link->settings.tls_descriptors;
    if (!functions->fixed && host->find_tls_descriptors)
        host->find_tls_descriptors(host->context, functions);
    uint64_t function = functions->absent;
    if (!functions->fixed || !functions->dynamic || !function)
        return refuse(relocation, LINK_UNKNOWN_RELOCATION, entry);
    if (module && module->tls_is_static) {
        /* The fixed form is faster, but the surplus is for those who cannot do without. */
        function = functions->fixed;
        value += (uint64_t)module->tls_offset;
    } else if (module) {
        if (value >> DESCRIPTOR_OFFSET_BITS || module->tls_module >> (64 - DESCRIPTOR_OFFSET_BITS))
            return refuse(relocation, LINK_OVERFLOW, entry);
        function = functions->dynamic;
        value |= module->tls_module << DESCRIPTOR_OFFSET_BITS;
    }
    uint8_t *target = slot_place(&relocation->slots, entry->r_offset, 2 * SLOT_SIZE);
    if (target) {
        set_word(target, function);
        set_word(target + SLOT_SIZE, value);
    }
    return target;
}

static bool relocate_tls(struct relocation *relocation, const struct elf_rela *entry, enum relocation_kind kind,
                         const struct definition *found)
{
    struct link *link = relocation->slots.link;
    struct module *module = found->module;
    uint64_t value = (uint64_t)entry->r_addend;
    if (module) {
        if (!module->tls_module || (found->symbol && (found->symbol->st_info & 15) != STT_TLS))
            return refuse(relocation, LINK_BAD_RELOCATION, entry);
        value += found->symbol ? found->symbol->st_value : 0;
    }
    if (kind == RELOCATION_TLS_DESCRIPTOR)
        return relocate_descriptor(relocation, entry, module, value);
    if (kind == RELOCATION_TLS_MODULE) {
        value = module ? module->tls_module : 0;
    } else if (kind == RELOCATION_TLS_OFFSET) {
        value -= module ? relocation->psabi->tls_bias : 0;
    } else if (module) {
        if (!tls_make_static(link, module))
            return ground_report(&link->ground, &(struct report){
                .error = LINK_NO_STATIC_TLS,
                .object = relocation->slots.module->name,
                .provider = module->name,
                .offset = entry->r_offset,
                .value = module->tls_size,
            });
        value += (uint64_t)module->tls_offset;
    }
    return slot_store(&relocation->slots, entry->r_offset, value);
}

/* Whatever the loop below does not store itself. */
static bool relocate_bound(struct relocation *relocation, const struct elf_rela *entry, enum relocation_kind kind,
                           const struct definition *found)
{
    const bool is_size = kind == RELOCATION_SIZE_32 || kind == RELOCATION_SIZE_64;
    struct slots *slots = &relocation->slots;
    uint64_t addend = (uint64_t)entry->r_addend, value = 0, size = 0;
    if (kind == RELOCATION_COPY)
        return copy(relocation, entry, found);
    if (!found->module && lazy_may_wait(slots->link, slots->module, entry)) {
        lazy_leave(slots->link, slots->module, entry);
        return true;
    }
    if (kind >= RELOCATION_TLS_MODULE)
        return relocate_tls(relocation, entry, kind, found);
    if (relocation_is_word(kind))
        addend = relocation_addend(relocation->psabi, kind, entry);
    /* Symbol 0 has the value 0 and belongs to no object. */
    const struct elf_symbol *symbol = found->symbol;
    if (symbol) {
        value = symbol->st_value + (symbol->st_shndx == SHN_ABS ? 0 : found->module->bias);
        size = symbol->st_size;
        unsigned type = symbol->st_info & 15;
        if (type == STT_TLS && !is_size)
            return refuse(relocation, LINK_BAD_RELOCATION, entry);
        if (type == STT_GNU_IFUNC && symbol->st_shndx != SHN_UNDEF && !is_size)
            return relocation_is_word(kind) ? resolve_later(relocation, entry->r_offset, value, addend)
                                            : refuse(relocation, LINK_BAD_RELOCATION, entry);
    }
    value = (is_size ? size : value) + addend;
    if (kind == RELOCATION_PC_32 || kind == RELOCATION_PC_64)
        value -= slots->module->bias + entry->r_offset;
    if (kind == RELOCATION_PC_32)
        return store_32(relocation, entry, value, (uint64_t)(int32_t)value == value);
    if (kind == RELOCATION_ABSOLUTE_32 || kind == RELOCATION_SIZE_32)
        return store_32(relocation, entry, value, value >> 32 == 0);
    if (!slot_store(slots, entry->r_offset, value))
        return false;
    if (relocation->binder.watched && slots->module->cached)
        slots->link->settings.cache_functions->record(relocation, entry, found);
    return true;
}

/* Most entries of most tables are relative, one after the other; how many. */
static uint64_t relocate_relative(const struct relocation *relocation, const struct elf_rela *entry,
                                  const struct elf_rela *end)
{
    const struct elf_rela *first = entry;
    uint64_t bias = relocation->slots.module->bias, info = relocation->psabi->relative;
    uint64_t low = relocation->slots.low, room = relocation->slots.room;
    uint8_t *staging = relocation->slots.staging;
    for (; entry < end && entry->r_info == info && entry->r_offset - low < room; entry++) {
        /* The table is long and read once, from memory: nothing else is as slow. */
        __builtin_prefetch(entry + 256);
        set_word(staging + (entry->r_offset - low), bias + (uint64_t)entry->r_addend);
    }
    return (uint64_t)(entry - first);
}

/* What needs no symbol. */
static bool relocate_simple(struct relocation *relocation, const struct elf_rela *entry, enum relocation_kind kind)
{
    uint64_t value = relocation->slots.module->bias + (uint64_t)entry->r_addend;
    switch (kind) {
    case RELOCATION_UNKNOWN:
        return refuse(relocation, LINK_UNKNOWN_RELOCATION, entry);
    case RELOCATION_RELATIVE:
        return slot_store(&relocation->slots, entry->r_offset, value);
    case RELOCATION_IRELATIVE:
        return resolve_later(relocation, entry->r_offset, value, 0);
    case RELOCATION_COPY:
        relocation->slots.module->has_copies = true;
        return true;
    default:
        return true;
    }
}

/* The one loop that binds. All of the entries, so that every undefined symbol is reported at once, if the host wants to
 * hear it. */
static void relocate_entries(struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end)
{
    struct link *link = relocation->slots.link;
    const struct module *module = relocation->slots.module;
    const struct psabi *psabi = relocation->psabi;
    const bool replays = module->is_cached && !relocation->binder.except;
    /* Kinds from here on are bound; copies only in their own turn. */
    const unsigned bound = relocation->binder.except ? RELOCATION_COPY : RELOCATION_ABSOLUTE;
    link->ground.work += (uint64_t)(end - entry);
    for (; entry < end; entry++) {
        bool done, plain;
        struct definition found;
        if (replays && (entry += link->settings.cache_functions->replay(relocation, entry, end)) == end)
            break;
        enum relocation_kind kind = psabi_relocation(psabi, (uint32_t)entry->r_info);
        if (kind < bound) {
            uint64_t count = kind == RELOCATION_RELATIVE ? relocate_relative(relocation, entry, end) : 0;
            if (count) {
                entry += count - 1;
                continue;
            }
            done = relocate_simple(relocation, entry, kind);
        } else if (!reference_bind(&relocation->binder, entry, kind, &found, &plain)) {
            done = false;
        } else {
            uint64_t at = entry->r_offset - relocation->slots.low;
            if (plain && relocation_is_word(kind) && at < relocation->slots.room) {
                uint64_t addend = relocation_addend(psabi, kind, entry);
                set_word(relocation->slots.staging + at, found.module->bias + found.symbol->st_value + addend);
                continue;
            }
            struct definition other = found;
            done = relocate_bound(relocation, entry, kind, &other);
        }
        if (!done && link->ground.stopped)
            break;
    }
    ground_work(&link->ground, module->name, 0);
}

static struct relocation relocation_of(struct link *link, struct module *module, const struct module *except)
{
    return (struct relocation){
        .slots = slots_of(link, module),
        .binder = binder_of(link, module, except),
        .psabi = psabi_find(module->machine),
    };
}

/* Entries between two pauses: of those that lead a table and are relative, and others. */
#define RELATIVE_AT_ONCE 512
#define BOUND_AT_ONCE 16

static void relocate_table(struct relocation *relocation, const struct table *table, uint64_t relative)
{
    struct ground *ground = &relocation->slots.link->ground;
    const struct elf_rela *entries = table->data;
    for (uint64_t done = 0, part; done < table->count && !ground->stopped; done += part) {
        part = table->count - done;
        const uint64_t most = done < relative ? RELATIVE_AT_ONCE : BOUND_AT_ONCE;
        if (ground->pause && part > most)
            part = most;
        relocate_entries(relocation, entries + done, entries + done + part);
        ground_pause(ground);
    }
}

/* Functions wait for their first call, whatever will define them. */
static void leave_calls(struct relocation *relocation, const struct lazy_slots *slots)
{
    struct ground *ground = &relocation->slots.link->ground;
    const struct module *module = relocation->slots.module;
    const struct elf_rela *entries = module->plt_rela.data;
    const uint64_t count = module->plt_rela.count;
    for (uint64_t i = 0; i < count && !ground->stopped; i++) {
        const struct elf_rela *entry = &entries[i];
        bool is_call = psabi_relocation(relocation->psabi, (uint32_t)entry->r_info) == RELOCATION_JUMP_SLOT;
        uint8_t *slot = is_call ? lazy_slot(slots, entry) : NULL;
        if (slot)
            add_bias(slot, module->bias);
        else
            relocate_entries(relocation, entry, entry + 1);
        if (i % RELATIVE_AT_ONCE == 0)
            ground_pause(ground);
    }
    ground->work += count;
}

void relocate_module(struct link *link, struct module *module)
{
    struct relocation relocation = relocation_of(link, module, NULL);
    /* Those of RELR add to what is there; others store the same once more. */
    if (!module->file.adjusted)
        relocate_relr(&relocation.slots);
    relocate_table(&relocation, &module->rela, module->relative_count);
    struct lazy_slots slots;
    if (lazy_begin(link, module, &slots))
        leave_calls(&relocation, &slots);
    else
        relocate_table(&relocation, &module->plt_rela, 0);
}

void relocate_copies(struct link *link, struct module *module)
{
    /* Any definition but its own: that is where the copy goes. */
    struct relocation relocation = relocation_of(link, module, module);
    const struct table *tables[] = {&module->rela, &module->plt_rela};
    for (unsigned t = 0; t < 2; t++) {
        const struct elf_rela *entries = tables[t]->data;
        for (uint64_t i = 0; i < tables[t]->count && !link->ground.stopped; i++) {
            if (i % RELATIVE_AT_ONCE == 0)
                ground_pause(&link->ground);
            if (psabi_relocation(relocation.psabi, (uint32_t)entries[i].r_info) == RELOCATION_COPY)
                relocate_entries(&relocation, &entries[i], &entries[i] + 1);
        }
    }
}
