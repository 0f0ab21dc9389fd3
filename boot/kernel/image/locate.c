#include "image/locate.h"

#include "memory/page_table.h"
#include "process/headers.h"

static bool locate_in(const struct module *module, const struct image_file *file, uint64_t address, uint64_t offset,
                      struct located *found)
{
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t start = segment->file_offset & -PAGE_SIZE;
        if (!(segment->flags & PF_X) || offset - start >= segment->file_offset + segment->file_size - start)
            continue;
        uint64_t bias = (address & -PAGE_SIZE) - ((segment->address & -PAGE_SIZE) + offset - start);
        *found = (struct located){file, bias + module->low, bias + module->high, module->low, module->build_id,
                                  module->build_id_size};
        return true;
    }
    return false;
}

bool locate(struct space *space, uint64_t address, struct located *found)
{
    static struct headers headers;
    enum link_error error;
    unsigned prot;
    uint64_t frame;
    do
        frame = page_lookup(space->page_table, address & -PAGE_SIZE, &prot);
    while (!frame && space_touch(space, address));
    uint64_t offset = frame - image_place.address;
    const struct image_file *file = frame && prot & RIGHT_EXECUTE && offset < image_place.size ? boot_image_file_at(offset) : NULL;
    if (!file || !boot_image_check_file(file))
        return false;
    offset -= file->offset;
    const struct file_view view = {.bytes = archive_contents(&boot_image.archive, file), .size = file->size};
    if (!headers_parse(&headers, &view, &error))
        return false;
    bool good = locate_in(&headers.module, file, address, offset, found);
    headers_end(&headers);
    return good;
}
