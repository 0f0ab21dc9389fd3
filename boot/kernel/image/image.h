/* The boot image: the archive, and which of its files were found intact. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H
#include <ambilink/image.h>
#include <bootimage/archive.h>
#include <stdbool.h>

#include "memory/memory.h"

/* Physical; the packer writes it into the kernel's data. */
struct image_place {
    uint64_t address, size; /* size 0: the kernel was not packed */
};
extern struct image_place image_place;

struct boot_image {
    struct archive archive;
    struct memory *run;     /* the same as memory */
    uint8_t *checked;       /* by file index: the checksum was found right */
    uint32_t failures;      /* services and modules that could not be started */
};
extern struct boot_image boot_image;

/* After page_table_init. A damaged or missing image, or no memory: panic. */
void boot_image_open(void);
const char *boot_image_name(const struct image_file *file);
/* True once the file's checksum was found right; false: it is not, which is logged. */
bool boot_image_check(const struct image_file *file);
#endif
