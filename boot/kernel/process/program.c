/* Read-only segments are mapped from the archive's own frames, writable ones get fresh memory; what is placed
 * relocates itself. */
#include "process/program.h"

#include <rtld/elf.h>

#include "base/bytes.h"
#include "base/random.h"
#include "memory/frames.h"
#include "memory/user.h"

#define SEGMENTS_MAX 16

static unsigned prot_of(uint32_t flags)
{
    return RIGHT_READ | (flags & PF_W ? RIGHT_WRITE : 0) | (flags & PF_X ? RIGHT_EXECUTE : 0);
}

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
    if (header->e_phentsize != sizeof(struct elf_segment) || !header->e_phnum || header->e_phnum > SEGMENTS_MAX)
        return "e_phentsize or e_phnum is out of range";
    if (header->e_phoff % 8 || header->e_phoff > size || header->e_phnum * sizeof(struct elf_segment) > size - header->e_phoff)
        return "program headers lie outside the file";
    return NULL;
}

static const char *check_segment(const struct elf_segment *segment, uint64_t size, uint64_t *end)
{
    if (segment->p_type != PT_LOAD)
        return NULL;
    if (segment->p_filesz > segment->p_memsz || segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
        return "a segment lies outside the file";
    if (segment->p_vaddr % PAGE_SIZE != segment->p_offset % PAGE_SIZE)
        return "p_vaddr and p_offset differ within a page";
    if (segment->p_vaddr >= PROCESS_HIGHEST_ADDRESS || segment->p_memsz > PROCESS_HIGHEST_ADDRESS - segment->p_vaddr)
        return "a segment lies outside user space";
    if ((segment->p_flags & PF_W) && (segment->p_flags & PF_X))
        return "a segment is writable and executable";
    if (!(segment->p_flags & PF_R))
        return "a segment is not readable";
    if (!(segment->p_flags & PF_W) && segment->p_filesz != segment->p_memsz)
        return "a read-only segment is longer than its file part";
    if (PAGE_DOWN(segment->p_vaddr) < *end)
        return "segments are not ascending or share a page";
    *end = PAGE_UP(segment->p_vaddr + segment->p_memsz);
    return NULL;
}

static const char *no_mapping(int64_t status)
{
    return status == STATUS_NO_MEMORY ? "no memory to map a segment" : "a segment cannot be mapped where it belongs";
}

static const char *map_writable(struct process *process, const uint8_t *file, const struct elf_segment *segment,
                                uint64_t base)
{
    uint64_t start = PAGE_DOWN(segment->p_vaddr);
    uint64_t length = PAGE_UP(segment->p_vaddr + segment->p_memsz) - start;
    struct memory *memory = memory_create(length);
    if (!memory)
        return "no memory for a writable segment";
    int64_t mapped = space_map(&process->space, memory, 0, length, base + start, PROT_READ_WRITE);
    object_release(memory);
    if (mapped < 0)
        return no_mapping(mapped);
    if (!user_write(&process->space, base + segment->p_vaddr, file + segment->p_offset, segment->p_filesz))
        return "a writable segment cannot be filled";
    return NULL;
}

static const char *read_interpreter(const uint8_t *file, uint64_t size, const struct elf_segment *segment, struct program *program)
{
    if (segment->p_offset > size || segment->p_filesz > size - segment->p_offset || !segment->p_filesz)
        return "PT_INTERP lies outside the file";
    const char *name = (const char *)file + segment->p_offset;
    uint64_t length = segment->p_filesz - 1;
    if (name[length] || !length)
        return "PT_INTERP is no string";
    /* Names in the image are relative. */
    if (*name == '/') {
        name++;
        length--;
    }
    if (length >= sizeof program->interpreter_name)
        return "PT_INTERP is too long";
    memory_copy(program->interpreter_name, name, length + 1);
    return NULL;
}

bool program_place(struct process *process, struct memory *archive, uint64_t offset, uint64_t size,
                   struct program *program, const char **rule)
{
    const uint8_t *file = (const uint8_t *)physical_pointer(archive->start) + offset;
    const struct elf_header *header = (const struct elf_header *)file;
    if ((*rule = check_header(header, size)))
        return false;
    const struct elf_segment *segments = (const struct elf_segment *)(file + header->e_phoff);
    uint64_t end = 0;
    for (unsigned i = 0; i < header->e_phnum; i++)
        if ((*rule = check_segment(&segments[i], size, &end)))
            return false;
    if (!end) {
        *rule = "no PT_LOAD segment";
        return false;
    }
    /* A static PIE goes to a random page; ET_EXEC to where it was linked. */
    uint64_t base = header->e_type == ET_DYN ? 0x100000000000 + (random_next() & 0x3ffffffff) * PAGE_SIZE : 0;
    *program = (struct program){
        .entry = base + header->e_entry,
        .start = base + header->e_entry,
        .base = base,
        .program_header_count = header->e_phnum,
    };
    bool entry_found = false;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const struct elf_segment *segment = &segments[i];
        if (segment->p_type == PT_INTERP && (*rule = read_interpreter(file, size, segment, program)))
            return false;
        if (segment->p_type != PT_LOAD || !segment->p_memsz)
            continue;
        if (segment->p_flags & PF_W) {
            if ((*rule = map_writable(process, file, segment, base)))
                return false;
        } else {
            uint64_t start = PAGE_DOWN(segment->p_vaddr);
            uint64_t length = PAGE_UP(segment->p_vaddr + segment->p_memsz) - start;
            int64_t mapped = space_map(&process->space, archive, offset + PAGE_DOWN(segment->p_offset), length, base + start,
                                       prot_of(segment->p_flags));
            if (mapped < 0) {
                *rule = no_mapping(mapped);
                return false;
            }
        }
        if ((segment->p_flags & PF_X) && header->e_entry - segment->p_vaddr < segment->p_memsz)
            entry_found = true;
        if (header->e_phoff >= segment->p_offset && header->e_phoff - segment->p_offset < segment->p_filesz)
            program->program_headers = base + segment->p_vaddr + header->e_phoff - segment->p_offset;
    }
    if (!entry_found)
        *rule = "e_entry is not in an executable segment";
    return entry_found;
}
