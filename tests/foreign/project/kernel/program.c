/* Programs that the kernel starts by itself: static ET_EXEC files, and nothing else. */
#include "kernel.h"

#define STACK_TOP 0x7ffffff00000
#define STACK_PAGES 16

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, segment_count;
};
struct segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};
enum { TYPE_EXEC = 2, LOAD = 1, INTERPRETER = 3, FLAG_X = 1, FLAG_W = 2 };

static bool add_page(uint64_t space, uint64_t address, unsigned rights)
{
    unsigned before;
    if (space_find(space, address, &before))
        return true;
    uint64_t frame = frame_take();
    if (frame && space_map(space, address, frame, rights))
        return true;
    if (frame)
        frame_give(frame);
    return false;
}

static bool load(uint64_t space, const struct module *module, const struct segment *segment)
{
    if (segment->offset > module->size || segment->file_size > module->size - segment->offset)
        return false;
    unsigned rights = (segment->flags & FLAG_W ? PAGE_WRITABLE : 0) | (segment->flags & FLAG_X ? PAGE_EXECUTABLE : 0);
    uint64_t first = segment->address & ~(FERN_PAGE - 1ull), end = segment->address + segment->memory_size;
    for (uint64_t address = first; address < end; address += FERN_PAGE)
        if (!add_page(space, address, rights))
            return false;
    const uint8_t *from = (const uint8_t *)at(module->start) + segment->offset;
    for (uint64_t i = 0; i < segment->file_size; i++) { /* past the rights: by the frames */
        unsigned own;
        uint64_t address = segment->address + i;
        ((uint8_t *)at(space_find(space, address, &own)))[address % FERN_PAGE] = from[i];
    }
    return true;
}

bool program_start(const struct module *module)
{
    const struct header *header = at(module->start);
    if (module->size < sizeof *header || header->type != TYPE_EXEC ||
        header->segments + header->segment_count * sizeof(struct segment) > module->size) {
        log_line("fern: %s is no static ET_EXEC program", module->name, 0);
        return false;
    }
    const struct segment *segments = (const struct segment *)((const uint8_t *)header + header->segments);
    int number = process_make(module->name);
    if (number < 0)
        return false;
    struct process *process = &processes[number];
    for (unsigned i = 0; i < header->segment_count; i++)
        if (segments[i].type == INTERPRETER || (segments[i].type == LOAD && !load(process->space, module, &segments[i]))) {
            log_line("fern: %s is dynamic or damaged", module->name, 0);
            process_free(process);
            return false;
        }
    for (unsigned i = 1; i <= STACK_PAGES; i++)
        if (!add_page(process->space, STACK_TOP - i * FERN_PAGE, PAGE_WRITABLE)) {
            process_free(process);
            return false;
        }
    process_start(process, &(struct fern_thread){.entry = header->entry, .stack = STACK_TOP});
    return true;
}
