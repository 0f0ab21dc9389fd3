/* Reading and checking one file. */
#include <rtld/image.h>
#include <string.h>

#define PAGE_MASK (IMAGE_PAGE_SIZE - 1)
#define ALIGN_MAX (1ull << 30)
#define ADDRESS_MAX (1ull << 47)
#define SEGMENT_HEADERS_MAX 64

struct parse {
    struct image *image;
    image_report *report;
    void *context;
};

static bool refuse(const struct parse *parse, enum link_error error, uint64_t offset, uint64_t value)
{
    struct diagnostic diagnostic = {.error = error, .object = parse->image->name, .offset = offset, .value = value};
    parse->report(parse->context, &diagnostic);
    return false;
}

static bool power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

/* offset + size <= limit, without overflow. */
static bool within(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

static bool parse_header(const struct parse *parse, const struct elf_header *header)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    struct image *image = parse->image;
    if (image->file.size < sizeof *header || memcmp(header->e_ident, ident, sizeof ident) != 0)
        return refuse(parse, LINK_NOT_ELF, 0, 0);
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return refuse(parse, LINK_WRONG_TYPE, offsetof(struct elf_header, e_type), header->e_type);
    if (header->e_version != EV_CURRENT)
        return refuse(parse, LINK_BAD_HEADER, offsetof(struct elf_header, e_version), header->e_version);
    if (header->e_phentsize != sizeof(struct elf_segment))
        return refuse(parse, LINK_BAD_HEADER, offsetof(struct elf_header, e_phentsize), header->e_phentsize);
    if (!header->e_phnum || header->e_phnum > SEGMENT_HEADERS_MAX)
        return refuse(parse, LINK_BAD_HEADER, offsetof(struct elf_header, e_phnum), header->e_phnum);
    if (header->e_phoff % 8 || !within(header->e_phoff, header->e_phnum * sizeof(struct elf_segment), image->file.size))
        return refuse(parse, LINK_BAD_HEADER, offsetof(struct elf_header, e_phoff), header->e_phoff);
    image->type = header->e_type;
    image->machine = header->e_machine;
    image->entry = header->e_entry;
    return true;
}

static bool parse_load(const struct parse *parse, const struct elf_segment *header, uint64_t where)
{
    struct image *image = parse->image;
    uint64_t align = header->p_align > IMAGE_PAGE_SIZE ? header->p_align : IMAGE_PAGE_SIZE;
    if (header->p_memsz == 0)
        return true;
    if (image->segment_count == IMAGE_SEGMENTS_MAX)
        return refuse(parse, LINK_TOO_MANY, where, image->segment_count);
    if (header->p_filesz > header->p_memsz || !within(header->p_offset, header->p_filesz, image->file.size) ||
        !within(header->p_vaddr, header->p_memsz, ADDRESS_MAX) || !power_of_two(align) || align > ALIGN_MAX ||
        (header->p_vaddr - header->p_offset) & PAGE_MASK)
        return refuse(parse, LINK_BAD_SEGMENT, where, PT_LOAD);
    if ((header->p_flags & PF_W) && (header->p_flags & PF_X))
        return refuse(parse, LINK_WRITE_EXECUTE, where, header->p_flags);
    /* Read-only pages come from the file as they are: there is nothing to clear a tail in. */
    if (!(header->p_flags & PF_W) && header->p_filesz != header->p_memsz)
        return refuse(parse, LINK_BAD_SEGMENT, where, PT_LOAD);
    uint64_t page_address = header->p_vaddr & ~PAGE_MASK;
    uint64_t end = (header->p_vaddr + header->p_memsz + PAGE_MASK) & ~PAGE_MASK;
    if (image->segment_count && page_address < image->high)
        return refuse(parse, LINK_BAD_SEGMENT, where, PT_LOAD); /* descending, or two segments in one page */
    if (!image->segment_count)
        image->low = page_address;
    image->high = end;
    if (align > image->align)
        image->align = align;
    image->segments[image->segment_count++] = (struct segment){
        .address = header->p_vaddr,
        .memory_size = header->p_memsz,
        .file_size = header->p_filesz,
        .file_offset = header->p_offset,
        .page_address = page_address,
        .pages_size = end - page_address,
        .flags = header->p_flags,
        .data = image->file.bytes + header->p_offset,
    };
    return true;
}

static bool parse_tls(const struct parse *parse, const struct elf_segment *header, uint64_t where)
{
    struct image *image = parse->image;
    uint64_t align = header->p_align ? header->p_align : 1;
    if (header->p_filesz > header->p_memsz || !power_of_two(align) || align > IMAGE_PAGE_SIZE ||
        header->p_memsz > ADDRESS_MAX)
        return refuse(parse, LINK_BAD_SEGMENT, where, PT_TLS);
    image->tls_image = header->p_vaddr;
    image->tls_image_size = header->p_filesz;
    image->tls_size = header->p_memsz;
    image->tls_align = align;
    return true;
}

/* What other headers say about addresses can be checked only when all segments are known. */
static bool parse_rest(const struct parse *parse, const struct elf_segment *header, uint64_t where)
{
    struct image *image = parse->image;
    switch (header->p_type) {
    case PT_TLS:
        if (header->p_filesz && !image_data(image, header->p_vaddr, header->p_filesz, 1))
            return refuse(parse, LINK_BAD_SEGMENT, where, PT_TLS);
        return true;
    case PT_DYNAMIC:
        if (!image_data(image, header->p_vaddr, header->p_filesz, 8))
            return refuse(parse, LINK_BAD_SEGMENT, where, PT_DYNAMIC);
        image->dynamic_address = header->p_vaddr;
        return true;
    case PT_GNU_RELRO: {
        /* The last page stays writable where RELRO ends inside it: it holds other data as well. */
        uint64_t start = header->p_vaddr & ~PAGE_MASK;
        if (!within(header->p_vaddr, header->p_memsz, ADDRESS_MAX))
            return refuse(parse, LINK_BAD_SEGMENT, where, PT_GNU_RELRO);
        uint64_t end = (header->p_vaddr + header->p_memsz) & ~PAGE_MASK;
        for (unsigned i = 0; i < image->segment_count && end > start; i++) {
            const struct segment *segment = &image->segments[i];
            if ((segment->flags & PF_W) && start >= segment->page_address &&
                within(start - segment->page_address, end - start, segment->pages_size)) {
                image->relro_address = start;
                image->relro_size = end - start;
                return true;
            }
        }
        return end > start ? refuse(parse, LINK_BAD_SEGMENT, where, PT_GNU_RELRO) : true;
    }
    default:
        return true;
    }
}

static bool parse_segments(const struct parse *parse, const struct elf_header *header)
{
    struct image *image = parse->image;
    const struct elf_segment *headers = (const void *)(image->file.bytes + header->e_phoff);
    image->align = IMAGE_PAGE_SIZE;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uint64_t where = header->e_phoff + i * sizeof *headers;
        if (headers[i].p_type == PT_LOAD && !parse_load(parse, &headers[i], where))
            return false;
        if (headers[i].p_type == PT_TLS && !parse_tls(parse, &headers[i], where))
            return false;
    }
    if (!image->segment_count)
        return refuse(parse, LINK_BAD_HEADER, offsetof(struct elf_header, e_phnum), header->e_phnum);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (!parse_rest(parse, &headers[i], header->e_phoff + i * sizeof *headers))
            return false;
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];
        if (header->e_phoff >= segment->file_offset &&
            within(header->e_phoff - segment->file_offset, header->e_phnum * sizeof *headers, segment->file_size)) {
            image->headers_address = segment->address + header->e_phoff - segment->file_offset;
            image->header_count = header->e_phnum;
        }
    }
    return true;
}

static const struct segment *segment_around(const struct image *image, uint64_t address)
{
    for (unsigned i = 0; i < image->segment_count; i++)
        if (address >= image->segments[i].address && address - image->segments[i].address < image->segments[i].memory_size)
            return &image->segments[i];
    return NULL;
}

const void *image_data(const struct image *image, uint64_t address, uint64_t size, uint64_t align)
{
    const struct segment *segment = segment_around(image, address);
    if (!segment || !within(address - segment->address, size, segment->file_size))
        return NULL;
    const uint8_t *data = segment->data + (address - segment->address);
    return (uintptr_t)data % align ? NULL : data;
}

void *image_window(const struct image *image, uint64_t address, uint64_t size)
{
    const struct segment *segment = segment_around(image, address);
    if (!segment || !segment->window || !within(address - segment->address, size, segment->memory_size))
        return NULL;
    return segment->window + (address - segment->page_address);
}

/* File bytes from an address to the end of its segment's file part. */
static uint64_t bytes_from(const struct image *image, uint64_t address)
{
    const struct segment *segment = segment_around(image, address);
    return segment && address - segment->address < segment->file_size
               ? segment->file_size - (address - segment->address)
               : 0;
}

struct dynamic_values {
    uint64_t strings, strings_size, symbols, symbol_size, gnu_hash, hash, soname;
    uint64_t rela, rela_size, rela_entry, plt_rela, plt_rela_size, plt_type, relr, relr_size, relr_entry;
    uint64_t preinit, preinit_size, init_array, init_array_size, fini_array, fini_array_size;
    bool has_soname, has_rel, text_relocations;
};

static void read_entry(struct image *image, struct dynamic_values *values, const struct elf_dynamic *entry)
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
    case DT_RELA: values->rela = value; break;
    case DT_RELASZ: values->rela_size = value; break;
    case DT_RELAENT: values->rela_entry = value; break;
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
    case DT_INIT: image->init = value; break;
    case DT_FINI: image->fini = value; break;
    case DT_SYMBOLIC: image->symbolic = true; break;
    case DT_REL: values->has_rel = true; break;
    case DT_TEXTREL: values->text_relocations = true; break;
    case DT_FLAGS:
        image->symbolic = image->symbolic || (value & DF_SYMBOLIC);
        values->text_relocations = values->text_relocations || (value & DF_TEXTREL);
        break;
    default: break;
    }
}

/* A table that must lie in file bytes as a whole. A size of 0 means that there is none, whatever its address. */
static bool take_table(const struct parse *parse, struct table *table, int64_t tag, uint64_t address, uint64_t size,
                       uint64_t entry_size)
{
    if (!size)
        return true;
    const void *data = size % entry_size ? NULL : image_data(parse->image, address, size, 8);
    if (!data)
        return refuse(parse, LINK_BAD_DYNAMIC, address, (uint64_t)tag);
    *table = (struct table){data, address, size / entry_size};
    return true;
}

/* An array of function addresses: relocated words, so it must lie in writable memory (or be empty). */
static bool take_array(const struct parse *parse, struct table *table, int64_t tag, uint64_t address, uint64_t size)
{
    const struct segment *segment = segment_around(parse->image, address);
    if (!size)
        return true;
    if (size % 8 || address % 8 || !segment || !(segment->flags & PF_W) ||
        !within(address - segment->address, size, segment->memory_size))
        return refuse(parse, LINK_BAD_DYNAMIC, address, (uint64_t)tag);
    *table = (struct table){NULL, address, size / 8};
    return true;
}

static bool take_tables(const struct parse *parse, const struct dynamic_values *values)
{
    struct image *image = parse->image;
    if (values->text_relocations)
        return refuse(parse, LINK_TEXT_RELOCATION, 0, 0);
    if (values->has_rel)
        return refuse(parse, LINK_BAD_DYNAMIC, 0, DT_REL);
    if (values->strings_size) {
        const char *strings = image_data(image, values->strings, values->strings_size, 1);
        if (!strings || strings[values->strings_size - 1])
            return refuse(parse, LINK_BAD_DYNAMIC, values->strings, DT_STRTAB);
        image->strings = (struct table){strings, values->strings, values->strings_size};
    }
    if (values->symbols) {
        uint64_t room = bytes_from(image, values->symbols);
        const void *data = image_data(image, values->symbols, room, 8);
        if (!data || !room || values->symbol_size != sizeof(struct elf_symbol))
            return refuse(parse, LINK_BAD_DYNAMIC, values->symbols, DT_SYMTAB);
        image->symbols = (struct table){data, values->symbols, room / sizeof(struct elf_symbol)};
    }
    if (values->gnu_hash) {
        uint64_t room = bytes_from(image, values->gnu_hash);
        const void *data = image_data(image, values->gnu_hash, room, 8);
        if (!data || room < 16)
            return refuse(parse, LINK_BAD_DYNAMIC, values->gnu_hash, DT_GNU_HASH);
        image->gnu_hash = (struct table){data, values->gnu_hash, room};
    }
    if (values->hash) {
        uint64_t room = bytes_from(image, values->hash);
        const void *data = image_data(image, values->hash, room, 4);
        if (!data || room < 8)
            return refuse(parse, LINK_BAD_DYNAMIC, values->hash, DT_HASH);
        image->hash = (struct table){data, values->hash, room};
    }
    if (values->rela_size && values->rela_entry != sizeof(struct elf_rela))
        return refuse(parse, LINK_BAD_DYNAMIC, values->rela, DT_RELAENT);
    if (values->plt_rela_size && values->plt_type != DT_RELA)
        return refuse(parse, LINK_BAD_DYNAMIC, values->plt_rela, DT_PLTREL);
    if (values->relr_size && values->relr_entry != sizeof(uint64_t))
        return refuse(parse, LINK_BAD_DYNAMIC, values->relr, DT_RELRENT);
    if (!take_table(parse, &image->rela, DT_RELA, values->rela, values->rela_size, sizeof(struct elf_rela)) ||
        !take_table(parse, &image->plt_rela, DT_JMPREL, values->plt_rela, values->plt_rela_size, sizeof(struct elf_rela)) ||
        !take_table(parse, &image->relr, DT_RELR, values->relr, values->relr_size, sizeof(uint64_t)) ||
        !take_array(parse, &image->preinit_array, DT_PREINIT_ARRAY, values->preinit, values->preinit_size) ||
        !take_array(parse, &image->init_array, DT_INIT_ARRAY, values->init_array, values->init_array_size) ||
        !take_array(parse, &image->fini_array, DT_FINI_ARRAY, values->fini_array, values->fini_array_size))
        return false;
    if (values->has_soname) {
        image->soname = image_string(image, values->soname);
        if (!image->soname)
            return refuse(parse, LINK_BAD_DYNAMIC, values->soname, DT_SONAME);
    }
    return true;
}

static bool parse_dynamic(const struct parse *parse)
{
    struct image *image = parse->image;
    if (!image->dynamic_address)
        return true;
    uint64_t limit = bytes_from(image, image->dynamic_address) / sizeof(struct elf_dynamic);
    const struct elf_dynamic *entries = image_data(image, image->dynamic_address, limit * sizeof *entries, 8);
    struct dynamic_values values = {0};
    for (uint64_t i = 0; entries && i < limit; i++) {
        if (entries[i].d_tag == DT_NULL)
            return take_tables(parse, &values);
        read_entry(image, &values, &entries[i]);
    }
    return refuse(parse, LINK_BAD_DYNAMIC, image->dynamic_address, DT_NULL);
}

bool image_parse(struct image *image, const char *name, const struct image_file_view *file, image_report *report,
                 void *context)
{
    memset(image, 0, sizeof *image);
    image->name = name;
    image->file = *file;
    struct parse parse = {image, report, context};
    const struct elf_header *header = (const void *)file->bytes;
    return parse_header(&parse, header) && parse_segments(&parse, header) && parse_dynamic(&parse);
}

const char *image_string(const struct image *image, uint64_t offset)
{
    return offset < image->strings.count ? (const char *)image->strings.data + offset : NULL;
}

const struct elf_symbol *image_symbol(const struct image *image, uint64_t index)
{
    return index < image->symbols.count ? (const struct elf_symbol *)image->symbols.data + index : NULL;
}
