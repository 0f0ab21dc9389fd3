#include "image/locate.h"

#include <rtld/parse.h>

#include "memory/page_table.h"

#define ROOM 256 /* words, for the segments of one file */

static bool say_nothing(void *context, const struct report *report)
{
    (void)context;
    (void)report;
    return false;
}

static const struct image_file *file_at(uint64_t offset)
{
    const struct archive *archive = &boot_image.archive;
    for (uint32_t i = 0; i < archive->header->file_count; i++)
        if (offset - archive->files[i].offset < PAGE_UP(archive->files[i].size))
            return &archive->files[i];
    return NULL;
}

bool locate(const struct space *space, uint64_t address, struct located *found)
{
    static uint64_t room[ROOM] __attribute__((aligned(16)));
    unsigned prot;
    uint64_t frame = page_lookup(space->page_table, address & -PAGE_SIZE, &prot);
    uint64_t offset = frame - image_place.address;
    const struct image_file *file = frame && prot & RIGHT_EXECUTE && offset < image_place.size ? file_at(offset) : NULL;
    if (!file)
        return false;
    offset -= file->offset;
    const struct file_view view = {.bytes = archive_contents(&boot_image.archive, file), .size = file->size};
    struct ground ground = {.report = say_nothing, .object = "", .arena = arena_within(room, sizeof room)};
    struct module module = {0};
    if (!module_parse_headers(&ground, &module, "", &view))
        return false;
    for (unsigned i = 0; i < module.segment_count; i++) {
        const struct segment *segment = &module.segments[i];
        uint64_t start = segment->file_offset & -PAGE_SIZE;
        if (!(segment->flags & PF_X) || offset - start >= segment->file_offset + segment->file_size - start)
            continue;
        uint64_t bias = (address & -PAGE_SIZE) - ((segment->address & -PAGE_SIZE) + offset - start);
        *found = (struct located){file, bias + module.low, bias + module.high, module.low, module.build_id,
                                  module.build_id_size};
        return true;
    }
    return false;
}
