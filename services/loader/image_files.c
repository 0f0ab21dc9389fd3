#include "image_files.h"

#include "heap.h"
#include "log.h"

const char *image_files_open(struct loader *loader)
{
    const char *rule = archive_open(&loader->archive, loader->boot.image, loader->boot.image_size);
    if (rule)
        return rule;
    loader->image = (struct file_view){.bytes = loader->boot.image, .size = loader->boot.image_size};
    uint32_t count = loader->archive.header->file_count;
    loader->file_checked = heap_zeroed(loader, count);
    return loader->file_checked ? NULL : "no memory";
}

void image_files_close(struct loader *loader)
{
    port_free(loader->port, loader->file_checked, loader->archive.header->file_count);
    loader->file_checked = NULL;
}

const char *image_file_name(const struct loader *loader, const struct image_file *file)
{
    return archive_string(&loader->archive, file->name);
}

static uint64_t page_up(uint64_t size)
{
    return (size + PORT_PAGE_SIZE - 1) & -(uint64_t)PORT_PAGE_SIZE;
}

bool image_range_check(const struct loader *loader, const struct image_file *file, uint64_t offset, uint64_t size)
{
    if (!size || port_image_check(loader->port, file->offset + offset, size))
        return true;
    report(loader, "%s is damaged: the boot image was altered", image_file_name(loader, file));
    return false;
}

bool image_file_check(const struct loader *loader, const struct image_file *file)
{
    uint8_t *checked = &loader->file_checked[file - loader->archive.files];
    uint64_t at = 0;
    if (*checked)
        return true;
    for (unsigned i = 0; i < IMAGE_UNREAD_RUNS; i++) {
        const struct image_run *run = &file->unread[i];
        if (!image_range_check(loader, file, at, (uint64_t)run->page * PORT_PAGE_SIZE - at))
            return false;
        at = ((uint64_t)run->page + run->pages) * PORT_PAGE_SIZE;
    }
    *checked = image_range_check(loader, file, at, page_up(file->size) - at);
    return *checked;
}
