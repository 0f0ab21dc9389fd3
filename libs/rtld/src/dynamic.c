/* The dynamic section: which tables a file has, and where; the names in it. */
#include <rtld/parse.h>

#include "arena.h"
#include "bytes.h"
#include "ground.h"
#include "module.h"
#include "name.h"
#include "version.h"

/* Values by tag: those of the gABI as they are numbered, those of GNU and Sun (0x6ffffff0 and up) after them. */
#define SLOT_GNU_HASH 40
#define SLOT_HIGH 48
#define SLOT_COUNT (SLOT_HIGH + 16)
#define HIGH_FIRST 0x6ffffff0
#define SLOT(tag)                                                                                                           \
    ((uint8_t)((uint64_t)(tag) < SLOT_GNU_HASH ? (uint64_t)(tag)                                                            \
               : (tag) == DT_GNU_HASH          ? SLOT_GNU_HASH                                                              \
                                               : (uint64_t)(tag) - HIGH_FIRST + SLOT_HIGH))

struct values {
    uint64_t value[SLOT_COUNT];
    uint64_t present; /* bit by slot */
};

#define HAS(values, tag) ((values)->present >> SLOT(tag) & 1)
#define VALUE(values, tag) ((values)->value[SLOT(tag)])

static bool bad(struct ground *ground, const struct module *module, uint64_t offset, unsigned slot)
{
    uint64_t tag = slot < SLOT_GNU_HASH ? slot : slot == SLOT_GNU_HASH ? DT_GNU_HASH : slot - SLOT_HIGH + HIGH_FIRST;
    return ground_refuse(ground, LINK_BAD_DYNAMIC, module->name, offset, tag);
}

/* A table of entries of one size. It lies in file bytes as a whole; or it is of function addresses, relocated slots,
 * so that it lies in writable memory. */
struct form {
    uint16_t place;            /* in struct module */
    uint8_t address, size;     /* slots; size 0: nothing says it, so as far as the segment goes */
    uint8_t entry;             /* slot of the value that must be the entry's size; 0: the format knows it */
    uint8_t unit, minimum, align;
    bool functions;
};

#define FORM(name, address, size, entry, unit, minimum, align, functions)                                                   \
    {offsetof(struct module, name), SLOT(address), SLOT(size), SLOT(entry), unit, minimum, align, functions}

static const struct form forms[] = {
    FORM(strings, DT_STRTAB, DT_STRSZ, 0, 1, 0, 1, false),
    FORM(symbols, DT_SYMTAB, 0, 0, sizeof(struct elf_symbol), sizeof(struct elf_symbol), 8, false),
    FORM(gnu_hash, DT_GNU_HASH, 0, 0, 1, 16, 8, false),
    FORM(hash, DT_HASH, 0, 0, 1, 8, 4, false),
    FORM(versym, DT_VERSYM, 0, 0, 2, 2, 2, false),
    FORM(rela, DT_RELA, DT_RELASZ, DT_RELAENT, sizeof(struct elf_rela), 0, 8, false),
    FORM(plt_rela, DT_JMPREL, DT_PLTRELSZ, 0, sizeof(struct elf_rela), 0, 8, false),
    FORM(relr, DT_RELR, DT_RELRSZ, DT_RELRENT, sizeof(uint64_t), 0, 8, false),
    FORM(preinit_array, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, 0, 8, 0, 8, true),
    FORM(init_array, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, 0, 8, 0, 8, true),
    FORM(fini_array, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, 0, 8, 0, 8, true),
};

/* A value that goes into the module as it is, or leads to a string. */
struct copied {
    uint16_t place;
    uint8_t slot;
    bool string;
};

static const struct copied copied[] = {
    {offsetof(struct module, init), DT_INIT, false},
    {offsetof(struct module, fini), DT_FINI, false},
    {offsetof(struct module, plt_got), DT_PLTGOT, false},
    {offsetof(struct module, relative_count), SLOT(DT_RELACOUNT), false},
    {offsetof(struct module, verdef.address), SLOT(DT_VERDEF), false},
    {offsetof(struct module, verdef.count), SLOT(DT_VERDEFNUM), false},
    {offsetof(struct module, verneed.address), SLOT(DT_VERNEED), false},
    {offsetof(struct module, verneed.count), SLOT(DT_VERNEEDNUM), false},
    {offsetof(struct module, soname), DT_SONAME, true},
    {offsetof(struct module, rpath), DT_RPATH, true},
    {offsetof(struct module, runpath), DT_RUNPATH, true},
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool take_table(struct ground *ground, struct module *module, const struct values *values, const struct form *form)
{
    uint64_t address = values->value[form->address], size = values->value[form->size];
    /* A size of 0 means that there is none, whatever its address. */
    if (form->size ? !size : !address)
        return true;
    if (form->entry && values->value[form->entry] != form->unit)
        return bad(ground, module, address, form->entry);
    const struct segment *segment = module_segment(module, address);
    uint64_t at = segment ? address - segment->address : 0;
    const uint8_t *data = NULL;
    bool good = segment;
    if (good && form->functions) {
        good = (segment->flags & PF_W) && address % form->align == 0 && within(at, size, segment->memory_size);
    } else if (good) {
        data = segment->data + at;
        if (!form->size && at <= segment->file_size)
            size = segment->file_size - at;
        good = (uintptr_t)data % form->align == 0 && within(at, size, segment->file_size);
    }
    if (!good || size < form->minimum || (form->size && size % form->unit))
        return bad(ground, module, address, form->address);
    *(struct table *)((uint8_t *)module + form->place) = (struct table){data, address, size / form->unit};
    return true;
}

static bool take_all(struct ground *ground, struct module *module, const struct values *values)
{
    uint64_t flags = VALUE(values, DT_FLAGS), flags_1 = VALUE(values, DT_FLAGS_1);
    if (HAS(values, DT_TEXTREL) || (flags & DF_TEXTREL))
        return ground_refuse(ground, LINK_TEXT_RELOCATION, module->name, 0, 0);
    if (HAS(values, DT_REL) || (VALUE(values, DT_PLTRELSZ) && VALUE(values, DT_PLTREL) != DT_RELA))
        return bad(ground, module, 0, DT_REL);
    if (HAS(values, DT_SYMTAB) && VALUE(values, DT_SYMENT) != sizeof(struct elf_symbol))
        return bad(ground, module, VALUE(values, DT_SYMTAB), DT_SYMENT);
    module->symbolic = HAS(values, DT_SYMBOLIC) || (flags & DF_SYMBOLIC);
    module->nodelete = flags_1 & DF_1_NODELETE;
    module->initfirst = flags_1 & DF_1_INITFIRST;
    module->wants_global = flags_1 & DF_1_GLOBAL;
    module->pie = flags_1 & DF_1_PIE;
    module->now = HAS(values, DT_BIND_NOW) || (flags & DF_BIND_NOW) || (flags_1 & DF_1_NOW);
    for (const struct form *form = forms; form < forms + LENGTH(forms); form++)
        if (!take_table(ground, module, values, form))
            return false;
    if (module->strings.count && ((const char *)module->strings.data)[module->strings.count - 1])
        return bad(ground, module, module->strings.address, DT_STRTAB);
    for (const struct copied *entry = copied; entry < copied + LENGTH(copied); entry++) {
        uint64_t value = values->value[entry->slot];
        if (entry->string && (values->present >> entry->slot & 1)) {
            value = (uint64_t)module_string(module, value);
            if (!value)
                return bad(ground, module, values->value[entry->slot], entry->slot);
        }
        *(uint64_t *)((uint8_t *)module + entry->place) = value;
    }
    if (!module->verdef.address)
        module->verdef.count = 0;
    if (!module->verneed.address)
        module->verneed.count = 0;
    module->soname_hash = module->soname ? gabi_hash(module->soname) : 0;
    /* Some linkers count the PLT's relocations to both tables. */
    const struct table *plt = &module->plt_rela;
    uint64_t before = (plt->address - module->rela.address) / sizeof(struct elf_rela);
    if (plt->count && plt->address > module->rela.address && before + plt->count == module->rela.count)
        module->rela.count = before;
    return true;
}

/* Of tags that name an object; their number for another tag. */
enum need { NEED_FILTER, NEED_AUXILIARY, NEED_ALWAYS, NEED_KINDS };

static enum need need_of(int64_t tag)
{
    return tag == DT_NEEDED      ? NEED_ALWAYS
           : tag == DT_FILTER    ? NEED_FILTER
           : tag == DT_AUXILIARY ? NEED_AUXILIARY
                                 : NEED_KINDS;
}

bool module_parse_dynamic(struct ground *ground, struct module *module)
{
    if (!module->dynamic_address)
        return true;
    uint64_t limit = module_bytes_from(module, module->dynamic_address) / sizeof(struct elf_dynamic);
    const struct elf_dynamic *entries = module_data(module, module->dynamic_address, limit * sizeof *entries, 8);
    struct values values = {0};
    for (uint64_t i = 0; entries && i < limit; i++) {
        uint64_t tag = (uint64_t)entries[i].d_tag;
        if (tag == DT_NULL)
            return take_all(ground, module, &values);
        enum need need = need_of(entries[i].d_tag);
        if (need < NEED_ALWAYS && !module->filter_count)
            module->filter_first = module->needed_count ? UINT32_MAX : 0;
        module->needed_count += need != NEED_KINDS;
        module->filter_count += need < NEED_ALWAYS;
        module->auxiliary_count += need == NEED_AUXILIARY;
        if (tag == DT_DEBUG)
            module->debug_address = module->dynamic_address + i * sizeof *entries + offsetof(struct elf_dynamic, d_value);
        if (tag < SLOT_GNU_HASH || tag == DT_GNU_HASH || tag - HIGH_FIRST < 16) {
            values.value[SLOT(tag)] = entries[i].d_value;
            values.present |= 1ull << SLOT(tag);
        }
    }
    return bad(ground, module, module->dynamic_address, DT_NULL);
}

static bool parse_needed(struct ground *ground, struct module *module)
{
    module->needed_names = arena_alloc(ground, &ground->arena, module->needed_count, sizeof *module->needed_names);
    module->needed = arena_alloc(ground, &ground->arena, module->needed_count, sizeof *module->needed);
    if (!module->needed_names || !module->needed)
        return false;
    /* Linkers write those of a kind together: either DT_NEEDED is the first, or it is the last. */
    if (module->filter_first)
        module->filter_first = (uint32_t)module->needed_count - module->filter_count;
    uint64_t first = module->filter_first, auxiliary = first + module->filter_count - module->auxiliary_count;
    uint64_t next[NEED_KINDS] = {first, auxiliary, first ? 0 : module->filter_count};
    /* module_parse_dynamic saw the end of this table, and as many entries. */
    uint64_t left = module->needed_count;
    for (uint64_t at = module->dynamic_address; left; at += sizeof(struct elf_dynamic)) {
        const struct elf_dynamic *entry = module_data(module, at, sizeof *entry, 8);
        enum need need = need_of(entry->d_tag);
        if (need == NEED_KINDS)
            continue;
        const char *name = module_string(module, entry->d_value);
        if (!name)
            return bad(ground, module, at, DT_NEEDED);
        module->needed_names[next[need]++] = name;
        left--;
    }
    return true;
}

bool module_parse(struct ground *ground, struct module *module, const char *name, const struct file_view *file)
{
    return module_parse_headers(ground, module, name, file) && module_parse_dynamic(ground, module) &&
           module_parse_versions(ground, module) && parse_needed(ground, module);
}
