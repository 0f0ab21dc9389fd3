/* The dynamic section: which tables a file has, and where. */
#include "internal.h"

/* Values by tag: those of the gABI as they are numbered, those of GNU and Sun (0x6ffffff0 and up) after them. */
#define SLOT_GNU_HASH 40
#define SLOT_HIGH 48
#define HIGH_FIRST 0x6ffffff0
#define SLOT(tag) ((tag) < SLOT_GNU_HASH ? (tag) : (tag) == DT_GNU_HASH ? SLOT_GNU_HASH : (tag) - HIGH_FIRST + SLOT_HIGH)

struct dynamic_values {
    uint64_t value[SLOT_HIGH + 16];
    uint64_t present; /* bit by slot */
};

static bool has(const struct dynamic_values *values, int64_t tag)
{
    return values->present >> SLOT(tag) & 1;
}

static uint64_t value_of(const struct dynamic_values *values, int64_t tag)
{
    return values->value[SLOT(tag)];
}

static bool bad(struct ground *ground, const struct module *module, uint64_t offset, int64_t tag)
{
    return ground_refuse(ground, LINK_BAD_DYNAMIC, module->name, offset, (uint64_t)tag);
}

/* A table of entries of one size, which lies in file bytes as a whole. */
struct sized_table {
    uint16_t place;      /* in struct module */
    uint8_t address, size, entry, entry_size; /* tags; 0: the format tells the entry's size */
};

static const struct sized_table sized_tables[] = {
    {offsetof(struct module, rela), DT_RELA, DT_RELASZ, DT_RELAENT, sizeof(struct elf_rela)},
    {offsetof(struct module, plt_rela), DT_JMPREL, DT_PLTRELSZ, 0, sizeof(struct elf_rela)},
    {offsetof(struct module, relr), DT_RELR, DT_RELRSZ, DT_RELRENT, sizeof(uint64_t)},
};

/* A table whose length is not told: as far as its segment goes, counted in units. */
struct open_table {
    uint16_t place;
    uint8_t align, unit, minimum; /* minimum: bytes */
    int64_t tag;
};

static const struct open_table open_tables[] = {
    {offsetof(struct module, symbols), 8, sizeof(struct elf_symbol), sizeof(struct elf_symbol), DT_SYMTAB},
    {offsetof(struct module, gnu_hash), 8, 1, 16, DT_GNU_HASH},
    {offsetof(struct module, hash), 4, 1, 8, DT_HASH},
    {offsetof(struct module, versym), 2, 2, 2, DT_VERSYM},
};

/* An array of function addresses: relocated words, so it lies in writable memory. */
struct function_array {
    uint16_t place;
    uint8_t address, size;
};

static const struct function_array function_arrays[] = {
    {offsetof(struct module, preinit_array), DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ},
    {offsetof(struct module, init_array), DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
    {offsetof(struct module, fini_array), DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
};

struct name_entry {
    uint16_t place;
    uint8_t tag;
};

static const struct name_entry name_entries[] = {
    {offsetof(struct module, soname), DT_SONAME},
    {offsetof(struct module, rpath), DT_RPATH},
    {offsetof(struct module, runpath), DT_RUNPATH},
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define PLACE(module, entry, type) ((type *)((uint8_t *)(module) + (entry)->place))

static bool take_sized(struct ground *ground, struct module *module, const struct dynamic_values *values)
{
    for (size_t i = 0; i < LENGTH(sized_tables); i++) {
        const struct sized_table *form = &sized_tables[i];
        uint64_t address = value_of(values, form->address), size = value_of(values, form->size);
        /* A size of 0 means that there is none, whatever its address. */
        if (!size)
            continue;
        if (form->entry && value_of(values, form->entry) != form->entry_size)
            return bad(ground, module, address, form->entry);
        const void *data = size % form->entry_size ? NULL : module_data(module, address, size, 8);
        if (!data)
            return bad(ground, module, address, form->address);
        *PLACE(module, form, struct table) = (struct table){data, address, size / form->entry_size};
    }
    /* Some linkers count the PLT's relocations to both tables. */
    const struct table *plt = &module->plt_rela;
    uint64_t before = (plt->address - module->rela.address) / sizeof(struct elf_rela);
    if (plt->count && plt->address > module->rela.address && before + plt->count == module->rela.count)
        module->rela.count = before;
    return true;
}

static bool take_open(struct ground *ground, struct module *module, const struct dynamic_values *values)
{
    for (size_t i = 0; i < LENGTH(open_tables); i++) {
        const struct open_table *form = &open_tables[i];
        uint64_t address = value_of(values, form->tag);
        if (!address)
            continue;
        uint64_t room = module_bytes_from(module, address);
        const void *data = module_data(module, address, room, form->align);
        if (!data || room < form->minimum)
            return bad(ground, module, address, form->tag);
        *PLACE(module, form, struct table) = (struct table){data, address, room / form->unit};
    }
    return true;
}

static bool take_arrays(struct ground *ground, struct module *module, const struct dynamic_values *values)
{
    for (size_t i = 0; i < LENGTH(function_arrays); i++) {
        const struct function_array *form = &function_arrays[i];
        uint64_t address = value_of(values, form->address), size = value_of(values, form->size);
        const struct segment *segment = module_segment(module, address);
        if (!size)
            continue;
        if (size % 8 || address % 8 || !segment || !(segment->flags & PF_W) ||
            !within(address - segment->address, size, segment->memory_size))
            return bad(ground, module, address, form->address);
        *PLACE(module, form, struct table) = (struct table){NULL, address, size / 8};
    }
    return true;
}

static bool take_strings(struct ground *ground, struct module *module, const struct dynamic_values *values)
{
    uint64_t address = value_of(values, DT_STRTAB), size = value_of(values, DT_STRSZ);
    if (size) {
        const char *strings = module_data(module, address, size, 1);
        if (!strings || strings[size - 1])
            return bad(ground, module, address, DT_STRTAB);
        module->strings = (struct table){strings, address, size};
    }
    for (size_t i = 0; i < LENGTH(name_entries); i++) {
        const struct name_entry *entry = &name_entries[i];
        if (has(values, entry->tag) &&
            !(*PLACE(module, entry, const char *) = module_string(module, value_of(values, entry->tag))))
            return bad(ground, module, value_of(values, entry->tag), entry->tag);
    }
    return true;
}

static bool take_all(struct ground *ground, struct module *module, const struct dynamic_values *values)
{
    uint64_t flags = value_of(values, DT_FLAGS), flags_1 = value_of(values, DT_FLAGS_1);
    if (has(values, DT_TEXTREL) || (flags & DF_TEXTREL))
        return ground_refuse(ground, LINK_TEXT_RELOCATION, module->name, 0, 0);
    if (has(values, DT_REL) || (value_of(values, DT_PLTRELSZ) && value_of(values, DT_PLTREL) != DT_RELA))
        return bad(ground, module, 0, DT_REL);
    if (has(values, DT_SYMTAB) && value_of(values, DT_SYMENT) != sizeof(struct elf_symbol))
        return bad(ground, module, value_of(values, DT_SYMTAB), DT_SYMENT);
    /* DF_BIND_NOW and DF_1_NOW ask for what is done anyway. */
    module->symbolic = has(values, DT_SYMBOLIC) || (flags & DF_SYMBOLIC);
    module->nodelete = flags_1 & DF_1_NODELETE;
    module->initfirst = flags_1 & DF_1_INITFIRST;
    module->wants_global = flags_1 & DF_1_GLOBAL;
    module->pie = flags_1 & DF_1_PIE;
    module->init = value_of(values, DT_INIT);
    module->fini = value_of(values, DT_FINI);
    module->relative_count = value_of(values, DT_RELACOUNT);
    module->verdef.address = value_of(values, DT_VERDEF);
    module->verdef.count = module->verdef.address ? value_of(values, DT_VERDEFNUM) : 0;
    module->verneed.address = value_of(values, DT_VERNEED);
    module->verneed.count = module->verneed.address ? value_of(values, DT_VERNEEDNUM) : 0;
    return take_strings(ground, module, values) && take_open(ground, module, values) && take_sized(ground, module, values) &&
           take_arrays(ground, module, values);
}

bool module_parse_dynamic(struct ground *ground, struct module *module)
{
    if (!module->dynamic_address)
        return true;
    uint64_t limit = module_bytes_from(module, module->dynamic_address) / sizeof(struct elf_dynamic);
    const struct elf_dynamic *entries = module_data(module, module->dynamic_address, limit * sizeof *entries, 8);
    struct dynamic_values values = {0};
    for (uint64_t i = 0; entries && i < limit; i++) {
        uint64_t tag = (uint64_t)entries[i].d_tag;
        if (tag == DT_NULL)
            return take_all(ground, module, &values);
        if (tag == DT_NEEDED)
            module->needed_count++;
        if (tag == DT_DEBUG)
            module->debug_address = module->dynamic_address + i * sizeof *entries + offsetof(struct elf_dynamic, d_value);
        if (tag < SLOT_GNU_HASH || tag == DT_GNU_HASH || tag - HIGH_FIRST < 16) {
            values.value[SLOT(tag)] = entries[i].d_value;
            values.present |= 1ull << SLOT(tag);
        }
    }
    return bad(ground, module, module->dynamic_address, DT_NULL);
}
