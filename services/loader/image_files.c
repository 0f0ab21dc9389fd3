#include "image_files.h"

#include <string.h>

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
    if (!loader->file_checked)
        return "no memory";
    if (loader->boot.checked)
        memcpy(loader->file_checked, loader->boot.checked, count);
    return NULL;
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

bool image_file_check(const struct loader *loader, const struct image_file *file)
{
    const struct archive *archive = &loader->archive;
    uint8_t *checked = &loader->file_checked[file - archive->files];
    if (!*checked) {
        uint8_t *first = &loader->file_checked[archive_first_name(archive, file) - archive->files];
        *checked = *first = *first || archive_file_intact(archive, file);
    }
    if (!*checked)
        report(loader, "%s does not match its checksum: the boot image was altered", image_file_name(loader, file));
    return *checked;
}
