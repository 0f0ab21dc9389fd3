#include "image/image.h"

#include "base/log.h"
#include "base/record.h"
#include "memory/area.h"
#include "memory/frames.h"

/* In .data although it is zero: the packer writes where the archive lies. */
struct image_place image_place __attribute__((section(".data")));
struct boot_image boot_image;

void boot_image_open(void)
{
    if (!image_place.size || image_place.address % PAGE_SIZE ||
        !frames_exist(image_place.address, image_place.address + image_place.size))
        panic("no boot image in memory: the machine is too small for it, or the kernel was not packed");
    const char *rule = archive_open(&boot_image.archive, physical_pointer(image_place.address), image_place.size);
    if (rule)
        panic("boot image refused: %s", rule);
    kernel_record.image_address = image_place.address;
    kernel_record.image_size = image_place.size;
    boot_image.run = memory_create_run(image_place.address, image_place.size);
    boot_image.checked = kernel_alloc(boot_image.archive.header->file_count);
    if (!boot_image.run || !boot_image.checked)
        panic("no memory for the boot image's directory");
}

const char *boot_image_name(const struct image_file *file)
{
    return archive_string(&boot_image.archive, file->name);
}

bool boot_image_check(const struct image_file *file)
{
    const struct archive *archive = &boot_image.archive;
    uint8_t *checked = &boot_image.checked[file - archive->files];
    if (!*checked) {
        uint8_t *first = &boot_image.checked[archive_first_name(archive, file) - archive->files];
        *checked = *first = *first || archive_file_intact(archive, file);
    }
    if (!*checked)
        log_format("kernel: %s does not match its checksum: the boot image was altered\n", boot_image_name(file));
    return *checked;
}
