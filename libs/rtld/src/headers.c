/* The ELF header and the program headers, checked. */
#include <rtld/parse.h>

#include "arena.h"
#include "bytes.h"
#include "ground.h"

#define PAGE_MASK (RTLD_PAGE_SIZE - 1)
#define ALIGN_MAX (1ull << 30)
#define ADDRESS_MAX (1ull << 47)
#define HEADERS_MAX 4096 /* what they say of others is compared with each segment */
#define GOOD (-1) /* else an enum link_error */

/* A field of the ELF header, and what it may be. */
struct field {
    uint8_t offset, size, error, lowest, highest;
};

#define FIELD(name, error, lowest, highest)                                                                                 \
    {offsetof(struct elf_header, name), sizeof(((struct elf_header *)0)->name), error, lowest, highest}

static const struct field fields[] = {
    FIELD(e_type, LINK_WRONG_TYPE, ET_EXEC, ET_DYN),
    FIELD(e_version, LINK_BAD_HEADER, EV_CURRENT, EV_CURRENT),
    FIELD(e_phentsize, LINK_BAD_HEADER, sizeof(struct elf_segment), sizeof(struct elf_segment)),
};

static bool parse_header(struct ground *ground, struct module *module)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    const struct elf_header *header = file_bytes(&module->file, 0, sizeof *header);
    if (!header || memcmp(header->e_ident, ident, sizeof ident) != 0)
        return ground_refuse(ground, LINK_NOT_ELF, module->name, 0, 0);
    for (const struct field *field = fields; field < fields + sizeof fields / sizeof *fields; field++) {
        uint64_t value = word_at(module->file.bytes + field->offset) & ~(~0ull << field->size * 8);
        if (value < field->lowest || value > field->highest)
            return ground_refuse(ground, field->error, module->name, field->offset, value);
    }
    if (header->e_phnum > HEADERS_MAX)
        return ground_refuse(ground, LINK_TOO_MANY_HEADERS, module->name, offsetof(struct elf_header, e_phnum), header->e_phnum);
    if (header->e_phoff % 8 || !file_bytes(&module->file, header->e_phoff, header->e_phnum * sizeof(struct elf_segment)))
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_phoff), header->e_phoff);
    module->type = header->e_type;
    module->machine = header->e_machine;
    module->entry = header->e_entry;
    return true;
}

/* The bytes that a program header is about; NULL: not within the file. */
static const uint8_t *contents(const struct module *module, const struct elf_segment *header)
{
    return file_bytes(&module->file, module->file.by_address ? header->p_vaddr : header->p_offset, header->p_filesz);
}

/* A power of two that is not too large. */
static bool is_alignment(uint64_t value)
{
    return value - 1 < ALIGN_MAX && value == 1ull << __builtin_ctzll(value);
}

/* Two segments that meet inside a page. With mmap the later one takes the page, and sees there the file's page,
 * so both must have the same; and what it cannot do (be executed, be written) the earlier one's end loses. The
 * later one becomes as long as its pages, the earlier one shorter, perhaps nothing. */
static bool join(struct module *module, struct segment *segment)
{
    struct segment *before = segment - 1;
    if (segment->page_address < before->page_address || segment->address < before->address + before->memory_size ||
        before->file_offset - before->address != segment->file_offset - segment->address ||
        before->file_size != before->memory_size || (before->flags & ~segment->flags & (PF_W | PF_X)))
        return false;
    uint64_t start = before->address > segment->page_address ? before->address : segment->page_address;
    uint64_t more = segment->address - start;
    segment->address = start;
    segment->file_offset -= more;
    segment->data -= more;
    segment->file_size += more;
    segment->memory_size += more;
    before->memory_size = before->file_size = start - before->address;
    before->pages_size = segment->page_address - before->page_address;
    if (!before->memory_size) {
        *before = *segment;
        module->segment_count--;
    }
    return true;
}

static int parse_load(struct module *module, const struct elf_segment *header)
{
    uint64_t align = header->p_align > RTLD_PAGE_SIZE ? header->p_align : RTLD_PAGE_SIZE;
    if (header->p_memsz == 0)
        return GOOD;
    const uint8_t *data = contents(module, header);
    /* Read-only pages come from the file as they are: there is nothing to clear a tail in. */
    if (!data || header->p_filesz > header->p_memsz || (header->p_filesz != header->p_memsz && !(header->p_flags & PF_W)) ||
        !within(header->p_vaddr, header->p_memsz, ADDRESS_MAX) || !is_alignment(align) ||
        (header->p_filesz && (header->p_vaddr - header->p_offset) & PAGE_MASK))
        return LINK_BAD_SEGMENT;
    if ((header->p_flags & PF_W) && (header->p_flags & PF_X))
        return LINK_WRITE_EXECUTE;
    struct segment *segment = &module->segments[module->segment_count];
    uint64_t end = (header->p_vaddr + header->p_memsz + PAGE_MASK) & ~PAGE_MASK;
    segment->address = header->p_vaddr;
    segment->memory_size = header->p_memsz;
    segment->file_size = header->p_filesz;
    segment->file_offset = header->p_offset;
    segment->page_address = header->p_vaddr & ~PAGE_MASK;
    segment->pages_size = end - segment->page_address;
    segment->flags = header->p_flags;
    segment->data = data;
    if (!module->segment_count)
        module->low = segment->page_address;
    else if (segment->page_address < module->high && !join(module, segment))
        return LINK_BAD_SEGMENT;
    module->high = end;
    if (align > module->align)
        module->align = align;
    module->segment_count++;
    return GOOD;
}

static int parse_tls(struct module *module, const struct elf_segment *header)
{
    uint64_t align = header->p_align ? header->p_align : 1;
    if (header->p_filesz > header->p_memsz || !is_alignment(align) || header->p_memsz > ADDRESS_MAX ||
        (header->p_filesz && !module_data(module, header->p_vaddr, header->p_filesz, 1)))
        return LINK_BAD_SEGMENT;
    module->tls_image = header->p_vaddr;
    module->tls_image_size = header->p_filesz;
    module->tls_size = header->p_memsz;
    module->tls_align = align;
    return GOOD;
}

/* Whole pages only: the last one stays writable where RELRO ends inside it, for it holds other data as well. The
 * range may go over several segments (thread-local data before a large alignment) and the gaps between. */
static int parse_relro(struct module *module, const struct elf_segment *header)
{
    uint64_t start = header->p_vaddr & ~PAGE_MASK;
    if (!within(header->p_vaddr, header->p_memsz, ADDRESS_MAX))
        return LINK_BAD_SEGMENT;
    uint64_t end = (header->p_vaddr + header->p_memsz) & ~PAGE_MASK;
    bool found = end <= start;
    for (unsigned i = 0; i < module->segment_count; i++) {
        struct segment *segment = &module->segments[i];
        uint64_t first = segment->page_address, last = first + segment->pages_size;
        first = first > start ? first : start;
        last = last < end ? last : end;
        if (!(segment->flags & PF_W) || first >= last)
            continue;
        segment->relro_address = first;
        segment->relro_size = last - first;
        found = true;
    }
    return found ? GOOD : LINK_BAD_SEGMENT;
}

/* Each entry of a table of notes or properties: a header, then contents, padded. */
static uint64_t padded(uint64_t size, uint64_t align)
{
    return (size + align - 1) & -align;
}

/* The first word of a property that is made of bits. */
static void read_properties(struct module *module, const uint8_t *at, uint64_t size)
{
    uint32_t wanted = module->machine == EM_AARCH64 ? GNU_PROPERTY_AARCH64_FEATURE_1_AND : GNU_PROPERTY_X86_FEATURE_1_AND;
    while (size >= 12) {
        const unaligned_u32 *words = (const unaligned_u32 *)at; /* type, size, value */
        if (words[0] == wanted && words[1] == 4)
            module->features = words[2];
        uint64_t step = 8 + padded(words[1], 8);
        if (step > size)
            return;
        at += step;
        size -= step;
    }
}

/* Notes only inform, so a damaged one ends the reading and nothing else. */
static void read_notes(struct module *module, const struct elf_segment *header)
{
    uint64_t left = header->p_filesz, align = header->p_align == 8 ? 8 : 4;
    const uint8_t *at = contents(module, header);
    while (at && left >= sizeof(struct elf_note)) {
        const unaligned_u32 *note = (const unaligned_u32 *)at; /* struct elf_note, wherever it lies */
        uint64_t name_size = note[0], size = note[1], start = padded(sizeof(struct elf_note) + name_size, align);
        if (!within(start, size, left))
            return;
        if (name_size == 4 && memcmp(at + sizeof(struct elf_note), "GNU", 4) == 0) {
            if (note[2] == NT_GNU_BUILD_ID) {
                module->build_id = at + start;
                module->build_id_size = (uint32_t)size;
            } else if (note[2] == NT_GNU_PROPERTY_TYPE_0) {
                read_properties(module, at + start, size);
            }
        }
        uint64_t step = padded(start + size, align);
        if (step > left)
            return;
        at += step;
        left -= step;
    }
}

/* What other headers say about addresses can be checked only when all segments are known. */
static int parse_rest(struct module *module, const struct elf_segment *header)
{
    switch (header->p_type) {
    case PT_TLS:
        return parse_tls(module, header);
    case PT_DYNAMIC:
        if (!module_data(module, header->p_vaddr, header->p_filesz, 8))
            return LINK_BAD_SEGMENT;
        module->dynamic_address = header->p_vaddr;
        return GOOD;
    case PT_INTERP:
        module->interpreter = (const char *)contents(module, header);
        return module->interpreter && header->p_filesz && !module->interpreter[header->p_filesz - 1] ? GOOD
                                                                                                     : LINK_BAD_SEGMENT;
    case PT_GNU_RELRO:
        return parse_relro(module, header);
    case PT_GNU_STACK:
        module->executable_stack = header->p_flags & PF_X;
        return GOOD;
    case PT_NOTE:
    case PT_GNU_PROPERTY:
        read_notes(module, header);
        return GOOD;
    default:
        return GOOD;
    }
}

static void find_headers(struct module *module, const struct elf_header *header)
{
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t at = header->e_phoff - segment->file_offset;
        if (within(at, header->e_phnum * sizeof(struct elf_segment), segment->file_size)) {
            module->headers_address = segment->address + at;
            module->header_count = header->e_phnum;
        }
    }
}

bool module_parse_headers(struct ground *ground, struct module *module, const char *name, const struct file_view *file)
{
    module->name = name;
    module->file = *file;
    if (!parse_header(ground, module))
        return false;
    const struct elf_header *header = (const void *)file->bytes;
    const struct elf_segment *headers = (const void *)(file->bytes + header->e_phoff);
    unsigned loads = 0;
    for (unsigned i = 0; i < header->e_phnum; i++)
        loads += headers[i].p_type == PT_LOAD;
    module->align = RTLD_PAGE_SIZE;
    module->segments = arena_alloc(ground, &ground->arena, loads, sizeof *module->segments);
    if (!module->segments)
        return false;
    for (unsigned i = 0; i < 2u * header->e_phnum; i++) {
        const struct elf_segment *at = &headers[i % header->e_phnum];
        bool is_load = at->p_type == PT_LOAD;
        int error = is_load != (i < header->e_phnum) ? GOOD : is_load ? parse_load(module, at) : parse_rest(module, at);
        if (error != GOOD)
            return ground_refuse(ground, (enum link_error)error, name, (uint64_t)((const uint8_t *)at - file->bytes),
                                 error == LINK_WRITE_EXECUTE ? at->p_flags : at->p_type);
    }
    if (!module->segment_count)
        return ground_refuse(ground, LINK_BAD_HEADER, name, offsetof(struct elf_header, e_phnum), header->e_phnum);
    find_headers(module, header);
    return true;
}
