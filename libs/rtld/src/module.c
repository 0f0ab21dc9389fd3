/* Reading and checking one file's headers, and access to its contents by address. */
#include <string.h>

#include "internal.h"

#define PAGE_MASK (RTLD_PAGE_SIZE - 1)
#define ALIGN_MAX (1ull << 30)
#define ADDRESS_MAX (1ull << 47)
#define SEGMENT_HEADERS_MAX 128

static bool power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

static bool parse_header(struct ground *ground, struct module *module)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    const struct elf_header *header = (const void *)module->file.bytes;
    if (module->file.size < sizeof *header || memcmp(header->e_ident, ident, sizeof ident) != 0)
        return ground_refuse(ground, LINK_NOT_ELF, module->name, 0, 0);
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return ground_refuse(ground, LINK_WRONG_TYPE, module->name, offsetof(struct elf_header, e_type), header->e_type);
    if (header->e_version != EV_CURRENT)
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_version), header->e_version);
    if (header->e_phentsize != sizeof(struct elf_segment))
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_phentsize),
                           header->e_phentsize);
    if (!header->e_phnum || header->e_phnum > SEGMENT_HEADERS_MAX)
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_phnum), header->e_phnum);
    if (header->e_phoff % 8 || !within(header->e_phoff, header->e_phnum * sizeof(struct elf_segment), module->file.size))
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_phoff), header->e_phoff);
    module->type = header->e_type;
    module->machine = header->e_machine;
    module->entry = header->e_entry;
    return true;
}

/* Where a segment's content lies. */
static uint64_t content_offset(const struct module *module, const struct elf_segment *header)
{
    return module->file.by_address ? header->p_vaddr : header->p_offset;
}

static bool bad_segment(struct ground *ground, const struct module *module, uint64_t where, uint32_t type)
{
    return ground_refuse(ground, LINK_BAD_SEGMENT, module->name, where, type);
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

static bool parse_load(struct ground *ground, struct module *module, const struct elf_segment *header, uint64_t where)
{
    uint64_t align = header->p_align > RTLD_PAGE_SIZE ? header->p_align : RTLD_PAGE_SIZE;
    if (header->p_memsz == 0)
        return true;
    if (header->p_filesz > header->p_memsz || !within(content_offset(module, header), header->p_filesz, module->file.size) ||
        !within(header->p_vaddr, header->p_memsz, ADDRESS_MAX) || !power_of_two(align) || align > ALIGN_MAX ||
        (header->p_filesz && (header->p_vaddr - header->p_offset) & PAGE_MASK))
        return bad_segment(ground, module, where, PT_LOAD);
    if ((header->p_flags & PF_W) && (header->p_flags & PF_X))
        return ground_refuse(ground, LINK_WRITE_EXECUTE, module->name, where, header->p_flags);
    /* Read-only pages come from the file as they are: there is nothing to clear a tail in. */
    if (!(header->p_flags & PF_W) && header->p_filesz != header->p_memsz)
        return bad_segment(ground, module, where, PT_LOAD);
    struct segment *segment = &module->segments[module->segment_count];
    uint64_t end = (header->p_vaddr + header->p_memsz + PAGE_MASK) & ~PAGE_MASK;
    *segment = (struct segment){
        .address = header->p_vaddr,
        .memory_size = header->p_memsz,
        .file_size = header->p_filesz,
        .file_offset = header->p_offset,
        .page_address = header->p_vaddr & ~PAGE_MASK,
        .flags = header->p_flags,
        .data = module->file.bytes + content_offset(module, header),
    };
    segment->pages_size = end - segment->page_address;
    if (!module->segment_count)
        module->low = segment->page_address;
    else if (segment->page_address < module->high && !join(module, segment))
        return bad_segment(ground, module, where, PT_LOAD);
    module->high = end;
    if (align > module->align)
        module->align = align;
    module->segment_count++;
    return true;
}

static bool parse_tls(struct ground *ground, struct module *module, const struct elf_segment *header, uint64_t where)
{
    uint64_t align = header->p_align ? header->p_align : 1;
    if (header->p_filesz > header->p_memsz || !power_of_two(align) || align > ALIGN_MAX ||
        header->p_memsz > ADDRESS_MAX ||
        (header->p_filesz && !module_data(module, header->p_vaddr, header->p_filesz, 1)))
        return bad_segment(ground, module, where, PT_TLS);
    module->tls_image = header->p_vaddr;
    module->tls_image_size = header->p_filesz;
    module->tls_size = header->p_memsz;
    module->tls_align = align;
    return true;
}

/* Whole pages only: the last one stays writable where RELRO ends inside it, for it holds other data as well. The
 * range may go over several segments (thread-local data before a large alignment) and the gaps between. */
static bool parse_relro(struct ground *ground, struct module *module, const struct elf_segment *header, uint64_t where)
{
    uint64_t start = header->p_vaddr & ~PAGE_MASK;
    if (!within(header->p_vaddr, header->p_memsz, ADDRESS_MAX))
        return bad_segment(ground, module, where, PT_GNU_RELRO);
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
    return found || bad_segment(ground, module, where, PT_GNU_RELRO);
}

/* The first word of a property that is made of bits. */
static void read_properties(struct module *module, const uint8_t *at, uint64_t size)
{
    uint32_t words[3]; /* type, size, value */
    uint32_t wanted = module->machine == EM_AARCH64 ? GNU_PROPERTY_AARCH64_FEATURE_1_AND : GNU_PROPERTY_X86_FEATURE_1_AND;
    while (size >= sizeof words) {
        memcpy(words, at, sizeof words);
        if (words[0] == wanted && words[1] == sizeof words[2])
            module->features = words[2];
        uint64_t step = 8 + (((uint64_t)words[1] + 7) & ~7ull);
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
    if (!within(content_offset(module, header), left, module->file.size))
        return;
    const uint8_t *at = module->file.bytes + content_offset(module, header);
    struct elf_note note;
    while (left >= sizeof note) {
        memcpy(&note, at, sizeof note);
        uint64_t start = (sizeof note + (uint64_t)note.n_namesz + align - 1) & -align;
        if (!within(start, note.n_descsz, left))
            return;
        if (note.n_namesz == 4 && memcmp(at + sizeof note, "GNU", 4) == 0) {
            if (note.n_type == NT_GNU_BUILD_ID) {
                module->build_id = at + start;
                module->build_id_size = note.n_descsz;
            } else if (note.n_type == NT_GNU_PROPERTY_TYPE_0) {
                read_properties(module, at + start, note.n_descsz);
            }
        }
        uint64_t step = (start + note.n_descsz + align - 1) & -align;
        if (step > left)
            return;
        at += step;
        left -= step;
    }
}

static bool parse_interpreter(struct ground *ground, struct module *module, const struct elf_segment *header, uint64_t where)
{
    uint64_t offset = content_offset(module, header);
    const char *name = (const char *)module->file.bytes + offset;
    if (!header->p_filesz || !within(offset, header->p_filesz, module->file.size) || name[header->p_filesz - 1])
        return bad_segment(ground, module, where, PT_INTERP);
    module->interpreter = name;
    return true;
}

/* What other headers say about addresses can be checked only when all segments are known. */
static bool parse_rest(struct ground *ground, struct module *module, const struct elf_segment *header, uint64_t where)
{
    switch (header->p_type) {
    case PT_TLS:
        return parse_tls(ground, module, header, where);
    case PT_DYNAMIC:
        if (!module_data(module, header->p_vaddr, header->p_filesz, 8))
            return bad_segment(ground, module, where, PT_DYNAMIC);
        module->dynamic_address = header->p_vaddr;
        return true;
    case PT_INTERP:
        return parse_interpreter(ground, module, header, where);
    case PT_GNU_RELRO:
        return parse_relro(ground, module, header, where);
    case PT_GNU_STACK:
        module->executable_stack = header->p_flags & PF_X;
        return true;
    case PT_NOTE:
    case PT_GNU_PROPERTY:
        read_notes(module, header);
        return true;
    default:
        return true;
    }
}

static bool parse_segments(struct ground *ground, struct module *module)
{
    const struct elf_header *header = (const void *)module->file.bytes;
    const struct elf_segment *headers = (const void *)(module->file.bytes + header->e_phoff);
    unsigned loads = 0;
    for (unsigned i = 0; i < header->e_phnum; i++)
        loads += headers[i].p_type == PT_LOAD;
    module->align = RTLD_PAGE_SIZE;
    module->segments = arena_alloc(ground, &ground->arena, loads, sizeof *module->segments);
    if (!module->segments)
        return false;
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (headers[i].p_type == PT_LOAD && !parse_load(ground, module, &headers[i], header->e_phoff + i * sizeof *headers))
            return false;
    if (!module->segment_count)
        return ground_refuse(ground, LINK_BAD_HEADER, module->name, offsetof(struct elf_header, e_phnum), header->e_phnum);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (!parse_rest(ground, module, &headers[i], header->e_phoff + i * sizeof *headers))
            return false;
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        if (header->e_phoff >= segment->file_offset &&
            within(header->e_phoff - segment->file_offset, header->e_phnum * sizeof *headers, segment->file_size)) {
            module->headers_address = segment->address + header->e_phoff - segment->file_offset;
            module->header_count = header->e_phnum;
        }
    }
    return true;
}

bool module_parse_headers(struct ground *ground, struct module *module, const char *name, const struct file_view *file)
{
    module->name = name;
    module->file = *file;
    return parse_header(ground, module) && parse_segments(ground, module);
}

static bool parse_needed(struct ground *ground, struct module *module)
{
    module->needed_names = arena_alloc(ground, &ground->arena, module->needed_count, sizeof *module->needed_names);
    module->needed = arena_alloc(ground, &ground->arena, module->needed_count, sizeof *module->needed);
    if (!module->needed_names || !module->needed)
        return false;
    uint64_t count = 0;
    /* module_parse_dynamic saw the end of this table, and as many DT_NEEDED entries. */
    for (uint64_t at = module->dynamic_address; count < module->needed_count; at += sizeof(struct elf_dynamic)) {
        const struct elf_dynamic *entry = module_data(module, at, sizeof *entry, 8);
        if (entry->d_tag != DT_NEEDED)
            continue;
        const char *name = module_string(module, entry->d_value);
        if (!name)
            return ground_refuse(ground, LINK_BAD_DYNAMIC, module->name, at, DT_NEEDED);
        module->needed_names[count++] = name;
    }
    module->soname_hash = module->soname ? gabi_hash(module->soname) : 0;
    return true;
}

bool module_parse(struct ground *ground, struct module *module, const char *name, const struct file_view *file)
{
    return module_parse_headers(ground, module, name, file) && module_parse_dynamic(ground, module) &&
           module_parse_versions(ground, module) && parse_needed(ground, module);
}

struct segment *module_segment(const struct module *module, uint64_t address)
{
    for (unsigned i = 0; i < module->segment_count; i++)
        if (address - module->segments[i].address < module->segments[i].memory_size)
            return &module->segments[i];
    return NULL;
}

const void *module_data(const struct module *module, uint64_t address, uint64_t size, uint64_t align)
{
    const struct segment *segment = module_segment(module, address);
    if (!segment || !within(address - segment->address, size, segment->file_size))
        return NULL;
    const uint8_t *data = segment->data + (address - segment->address);
    return (uintptr_t)data % align ? NULL : data;
}

void *module_staged(const struct module *module, uint64_t address, uint64_t size)
{
    const struct segment *segment = module_segment(module, address);
    if (!segment || !segment->staging || !within(address - segment->address, size, segment->memory_size))
        return NULL;
    return segment->staging + (address - segment->page_address);
}

uint64_t module_bytes_from(const struct module *module, uint64_t address)
{
    const struct segment *segment = module_segment(module, address);
    return segment && address - segment->address < segment->file_size
               ? segment->file_size - (address - segment->address)
               : 0;
}

const char *module_string(const struct module *module, uint64_t offset)
{
    return offset < module->strings.count ? (const char *)module->strings.data + offset : NULL;
}

const struct elf_symbol *module_symbol(const struct module *module, uint64_t index)
{
    return index < module->symbols.count ? (const struct elf_symbol *)module->symbols.data + index : NULL;
}
