/* The dynamic section: which tables a file has, and where. */
#include "internal.h"

struct dynamic_values {
    uint64_t strings, strings_size, symbols, symbol_size, gnu_hash, hash, soname, rpath, runpath;
    uint64_t rela, rela_size, rela_entry, plt_rela, plt_rela_size, plt_type, relr, relr_size, relr_entry;
    uint64_t preinit, preinit_size, init_array, init_array_size, fini_array, fini_array_size;
    uint64_t versym, verdef, verdef_count, verneed, verneed_count;
    bool has_soname, has_rpath, has_runpath, has_rel, text_relocations;
};

static void read_entry(struct image *image, struct dynamic_values *values, const struct elf_dynamic *entry, uint64_t at)
{
    uint64_t value = entry->d_value;
    switch (entry->d_tag) {
    case DT_NEEDED: image->needed_count++; break;
    case DT_STRTAB: values->strings = value; break;
    case DT_STRSZ: values->strings_size = value; break;
    case DT_SYMTAB: values->symbols = value; break;
    case DT_SYMENT: values->symbol_size = value; break;
    case DT_GNU_HASH: values->gnu_hash = value; break;
    case DT_HASH: values->hash = value; break;
    case DT_SONAME: values->soname = value; values->has_soname = true; break;
    case DT_RPATH: values->rpath = value; values->has_rpath = true; break;
    case DT_RUNPATH: values->runpath = value; values->has_runpath = true; break;
    case DT_RELA: values->rela = value; break;
    case DT_RELASZ: values->rela_size = value; break;
    case DT_RELAENT: values->rela_entry = value; break;
    case DT_RELACOUNT: image->relative_count = value; break;
    case DT_JMPREL: values->plt_rela = value; break;
    case DT_PLTRELSZ: values->plt_rela_size = value; break;
    case DT_PLTREL: values->plt_type = value; break;
    case DT_RELR: values->relr = value; break;
    case DT_RELRSZ: values->relr_size = value; break;
    case DT_RELRENT: values->relr_entry = value; break;
    case DT_PREINIT_ARRAY: values->preinit = value; break;
    case DT_PREINIT_ARRAYSZ: values->preinit_size = value; break;
    case DT_INIT_ARRAY: values->init_array = value; break;
    case DT_INIT_ARRAYSZ: values->init_array_size = value; break;
    case DT_FINI_ARRAY: values->fini_array = value; break;
    case DT_FINI_ARRAYSZ: values->fini_array_size = value; break;
    case DT_VERSYM: values->versym = value; break;
    case DT_VERDEF: values->verdef = value; break;
    case DT_VERDEFNUM: values->verdef_count = value; break;
    case DT_VERNEED: values->verneed = value; break;
    case DT_VERNEEDNUM: values->verneed_count = value; break;
    case DT_INIT: image->init = value; break;
    case DT_FINI: image->fini = value; break;
    case DT_DEBUG: image->debug_address = at + offsetof(struct elf_dynamic, d_value); break;
    case DT_SYMBOLIC: image->symbolic = true; break;
    case DT_REL: values->has_rel = true; break;
    case DT_TEXTREL: values->text_relocations = true; break;
    case DT_FLAGS: /* DF_BIND_NOW asks for what is done anyway */
        image->symbolic |= (value & DF_SYMBOLIC) != 0;
        image->static_tls |= (value & DF_STATIC_TLS) != 0;
        values->text_relocations |= (value & DF_TEXTREL) != 0;
        break;
    case DT_FLAGS_1:
        image->nodelete |= (value & DF_1_NODELETE) != 0;
        image->initfirst |= (value & DF_1_INITFIRST) != 0;
        image->wants_global |= (value & DF_1_GLOBAL) != 0;
        image->pie |= (value & DF_1_PIE) != 0;
        break;
    default: break;
    }
}

static bool bad(struct link *link, const struct image *image, uint64_t offset, int64_t tag)
{
    return link_refuse(link, LINK_BAD_DYNAMIC, image, NULL, offset, (uint64_t)tag);
}

/* A table that must lie in file bytes as a whole. A size of 0 means that there is none, whatever its address. */
static bool take_table(struct link *link, const struct image *image, struct table *table, int64_t tag, uint64_t address,
                       uint64_t size, uint64_t entry_size)
{
    if (!size)
        return true;
    const void *data = size % entry_size ? NULL : image_data(image, address, size, 8);
    if (!data)
        return bad(link, image, address, tag);
    *table = (struct table){data, address, size / entry_size};
    return true;
}

/* A table whose length is not told: as far as its segment goes. */
static bool take_open_table(struct link *link, const struct image *image, struct table *table, int64_t tag,
                            uint64_t address, uint64_t align, uint64_t entry_size, uint64_t minimum)
{
    if (!address)
        return true;
    uint64_t room = image_bytes_from(image, address);
    const void *data = image_data(image, address, room, align);
    if (!data || room < minimum)
        return bad(link, image, address, tag);
    *table = (struct table){data, address, room / entry_size};
    return true;
}

/* An array of function addresses: relocated words, so it must lie in writable memory (or be empty). */
static bool take_array(struct link *link, const struct image *image, struct table *table, int64_t tag, uint64_t address,
                       uint64_t size)
{
    const struct segment *segment = image_segment(image, address);
    if (!size)
        return true;
    if (size % 8 || address % 8 || !segment || !(segment->flags & PF_W) ||
        !within(address - segment->address, size, segment->memory_size))
        return bad(link, image, address, tag);
    *table = (struct table){NULL, address, size / 8};
    return true;
}

static bool take_string(struct link *link, const struct image *image, const char **string, int64_t tag, bool has,
                        uint64_t offset)
{
    if (has && !(*string = image_string(image, offset)))
        return bad(link, image, offset, tag);
    return true;
}

static bool take_symbols(struct link *link, struct image *image, const struct dynamic_values *values)
{
    if (values->strings_size) {
        const char *strings = image_data(image, values->strings, values->strings_size, 1);
        if (!strings || strings[values->strings_size - 1])
            return bad(link, image, values->strings, DT_STRTAB);
        image->strings = (struct table){strings, values->strings, values->strings_size};
    }
    if (values->symbols && values->symbol_size != sizeof(struct elf_symbol))
        return bad(link, image, values->symbols, DT_SYMENT);
    return take_open_table(link, image, &image->symbols, DT_SYMTAB, values->symbols, 8, sizeof(struct elf_symbol),
                           sizeof(struct elf_symbol)) &&
           take_open_table(link, image, &image->gnu_hash, DT_GNU_HASH, values->gnu_hash, 8, 1, 16) &&
           take_open_table(link, image, &image->hash, DT_HASH, values->hash, 4, 1, 8) &&
           take_open_table(link, image, &image->versym, DT_VERSYM, values->versym, 2, 2, 2) &&
           take_string(link, image, &image->soname, DT_SONAME, values->has_soname, values->soname) &&
           take_string(link, image, &image->rpath, DT_RPATH, values->has_rpath, values->rpath) &&
           take_string(link, image, &image->runpath, DT_RUNPATH, values->has_runpath, values->runpath);
}

static bool take_relocations(struct link *link, struct image *image, const struct dynamic_values *values)
{
    uint64_t rela_size = values->rela_size;
    if (values->text_relocations)
        return link_refuse(link, LINK_TEXT_RELOCATION, image, NULL, 0, 0);
    if (values->has_rel)
        return bad(link, image, 0, DT_REL);
    if (values->rela_size && values->rela_entry != sizeof(struct elf_rela))
        return bad(link, image, values->rela, DT_RELAENT);
    if (values->plt_rela_size && values->plt_type != DT_RELA)
        return bad(link, image, values->plt_rela, DT_PLTREL);
    if (values->relr_size && values->relr_entry != sizeof(uint64_t))
        return bad(link, image, values->relr, DT_RELRENT);
    /* Some linkers count the PLT's relocations to both tables. */
    if (values->plt_rela_size && values->plt_rela > values->rela && values->plt_rela - values->rela < rela_size &&
        values->plt_rela + values->plt_rela_size == values->rela + rela_size)
        rela_size = values->plt_rela - values->rela;
    return take_table(link, image, &image->rela, DT_RELA, values->rela, rela_size, sizeof(struct elf_rela)) &&
           take_table(link, image, &image->plt_rela, DT_JMPREL, values->plt_rela, values->plt_rela_size,
                      sizeof(struct elf_rela)) &&
           take_table(link, image, &image->relr, DT_RELR, values->relr, values->relr_size, sizeof(uint64_t));
}

static bool take_tables(struct link *link, struct image *image, const struct dynamic_values *values)
{
    image->verdef = (struct table){NULL, values->verdef, values->verdef ? values->verdef_count : 0};
    image->verneed = (struct table){NULL, values->verneed, values->verneed ? values->verneed_count : 0};
    return take_symbols(link, image, values) && take_relocations(link, image, values) &&
           take_array(link, image, &image->preinit_array, DT_PREINIT_ARRAY, values->preinit, values->preinit_size) &&
           take_array(link, image, &image->init_array, DT_INIT_ARRAY, values->init_array, values->init_array_size) &&
           take_array(link, image, &image->fini_array, DT_FINI_ARRAY, values->fini_array, values->fini_array_size);
}

bool image_parse_dynamic(struct link *link, struct image *image)
{
    if (!image->dynamic_address)
        return true;
    uint64_t limit = image_bytes_from(image, image->dynamic_address) / sizeof(struct elf_dynamic);
    const struct elf_dynamic *entries = image_data(image, image->dynamic_address, limit * sizeof *entries, 8);
    struct dynamic_values values = {0};
    for (uint64_t i = 0; entries && i < limit; i++) {
        if (entries[i].d_tag == DT_NULL)
            return take_tables(link, image, &values);
        read_entry(image, &values, &entries[i], image->dynamic_address + i * sizeof *entries);
    }
    return bad(link, image, image->dynamic_address, DT_NULL);
}
