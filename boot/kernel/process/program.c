/* Read-only segments are mapped from the archive's own frames, writable ones get fresh memory; what is placed
 * relocates itself. */
#include "process/program.h"

#include "base/bytes.h"
#include "base/random.h"
#include "base/work.h"
#include "memory/frames.h"
#include "memory/user.h"
#include "process/headers.h"

#define RANDOM_BASE 0x100000000000
#define RANDOM_PAGES 0x3ffffffff

static const char *check_header(const struct elf_header *header, uint64_t size)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    if (size < sizeof *header)
        return "file shorter than an ELF header";
    if (memory_compare(header->e_ident, ident, sizeof ident) != 0)
        return "not a 64-bit little-endian ELF file";
    if (header->e_machine != KERNEL_ELF_MACHINE)
        return "e_machine is not this machine's";
    if (header->e_version != EV_CURRENT || header->e_ehsize != sizeof *header)
        return "e_version or e_ehsize is wrong";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return "e_type is neither ET_EXEC nor ET_DYN";
    if (header->e_phentsize != sizeof(struct elf_segment) || !header->e_phnum)
        return "e_phentsize or e_phnum is out of range";
    if (header->e_phoff % 8 || header->e_phoff > size || header->e_phnum * sizeof(struct elf_segment) > size - header->e_phoff)
        return "program headers lie outside the file";
    return NULL;
}

static const char *rule_of(enum link_error error)
{
    switch (error) {
    case LINK_BAD_SEGMENT:
        return "a program header is wrong: its range, its alignment, or what it leads to";
    case LINK_WRITE_EXECUTE:
        return "a segment is writable and executable";
    case LINK_BAD_HEADER:
        return "no PT_LOAD segment";
    case LINK_TOO_MANY_HEADERS:
        return "more program headers than are read";
    case LINK_NO_MEMORY:
        return "no memory for its table of segments";
    default:
        return "it cannot be parsed";
    }
}

/* What the kernel asks for beyond a sound file. */
static const char *check_module(const struct module *module)
{
    bool entry_found = false;
    if (module->high > PROCESS_HIGHEST_ADDRESS)
        return "a segment lies outside user space";
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        if (!(segment->flags & PF_R))
            return "a segment is not readable";
        entry_found |= (segment->flags & PF_X) && module->entry - segment->address < segment->memory_size;
    }
    return entry_found ? NULL : "e_entry is not in an executable segment";
}

static const char *no_mapping(int64_t status)
{
    return status == STATUS_NO_MEMORY ? "no memory to map a segment" : "a segment cannot be mapped where it belongs";
}

#define FILLED_AT_ONCE 16 /* pages */

static bool fill(struct space *space, const struct segment *segment, uint64_t base)
{
    for (uint64_t done = 0, part; done < segment->file_size; done += part) {
        uint64_t left = segment->file_size - done;
        part = left < FILLED_AT_ONCE * PAGE_SIZE ? left : FILLED_AT_ONCE * PAGE_SIZE;
        if (!user_write(space, base + segment->address + done, segment->data + done, part))
            return false;
        work_did(FILLED_AT_ONCE);
        work_pause();
    }
    return true;
}

static const char *map_writable(struct space *space, const struct segment *segment, uint64_t base)
{
    if (segment->pages_size > MEMORY_SIZE_MAX)
        return "a writable segment is larger than one memory object can be";
    struct memory *memory = memory_create(space->budget, segment->pages_size);
    if (!memory)
        return "no memory for a writable segment";
    int64_t mapped = space_map_made(space, memory, base + segment->page_address, PROT_READ_WRITE);
    if (mapped < 0)
        return no_mapping(mapped);
    return fill(space, segment, base) ? NULL : "a writable segment cannot be filled";
}

static const char *map_read_only(struct space *space, struct memory *archive, uint64_t offset, const struct segment *segment,
                                 uint64_t base)
{
    offset += segment->file_offset - (segment->address - segment->page_address);
    int64_t mapped = space_map(space, archive, offset, segment->pages_size, base + segment->page_address,
                               PROT_FINAL | (segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY), PROT_READ_EXECUTE);
    return mapped < 0 ? no_mapping(mapped) : NULL;
}

static const char *take_interpreter(const char *name, struct program *program)
{
    if (!name)
        return NULL;
    if (*name == '/') /* names in the image are relative */
        name++;
    size_t length = 0;
    while (name[length])
        if (++length == sizeof program->interpreter_name)
            return "PT_INTERP is too long";
    if (!length)
        return "PT_INTERP is no string";
    memory_copy(program->interpreter_name, name, length + 1);
    return NULL;
}

/* What it breaks or lacks; NULL: nothing, and it is mapped. */
static const char *place(struct process *process, struct memory *archive, uint64_t offset, const struct module *module,
                         struct program *program)
{
    const char *rule = check_module(module);
    if (rule)
        return rule;
    /* A static PIE goes to a random page; ET_EXEC to where it was linked. */
    uint64_t base = module->type == ET_DYN ? (RANDOM_BASE + (random_next() & RANDOM_PAGES) * PAGE_SIZE) & -module->align : 0;
    *program = (struct program){
        .entry = base + module->entry,
        .start = base + module->entry,
        .base = base,
        .program_headers = module->header_count ? base + module->headers_address : 0,
        .program_header_count = module->header_count,
    };
    rule = take_interpreter(module->interpreter, program);
    for (unsigned i = 0; i < module->segment_count && !rule; i++) {
        const struct segment *segment = &module->segments[i];
        rule = segment->flags & PF_W ? map_writable(&process->space, segment, base)
                                     : map_read_only(&process->space, archive, offset, segment, base);
    }
    return rule;
}

bool program_place(struct process *process, struct memory *archive, uint64_t offset, uint64_t size,
                   struct program *program, const char **rule)
{
    struct file_view file = {.bytes = (const uint8_t *)physical_pointer(archive->start) + offset, .size = size};
    struct headers headers;
    enum link_error error;
    if ((*rule = check_header((const struct elf_header *)file.bytes, size)))
        return false;
    if (!headers_parse(&headers, &file, &error)) {
        *rule = rule_of(error);
        return false;
    }
    *rule = place(process, archive, offset, &headers.module, program);
    headers_end(&headers);
    return !*rule;
}
