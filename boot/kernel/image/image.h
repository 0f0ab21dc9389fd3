/* The boot image: the archive, and which of its pages were found intact. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H
#include <ambilink/image.h>
#include <bootimage/archive.h>
#include <imagetree/tree.h>
#include <stdbool.h>

#include "image/self.h"
#include "memory/memory.h"

struct boot_image {
    struct archive archive;
    struct tree tree;
    struct memory *run;     /* the same as memory; its pages are guarded (memory/guard.h) */
    uint32_t failures;      /* services and modules that could not be started */
    bool damaged;           /* a page was found damaged: the machine cannot pass */
};
extern struct boot_image boot_image;

/* After page_table_init. `kernel_sum` is kernel_sum_as_loaded's. An image or a kernel that is damaged, an image of
 * another version, or none, no memory: panic. */
void boot_image_open(uint32_t kernel_sum);
/* Once more, by other code, before the first process runs: one altered instruction makes at most one of both
 * comparisons agree. */
void boot_image_compare_kernel(uint32_t kernel_sum);
const char *boot_image_name(const struct image_file *file);

/* True: all pages of a range of the archive are intact, and the kernel may read them. False: one is damaged, which is
 * logged with the file that it belongs to. The range must lie within the archive. */
bool boot_image_check(uint64_t offset, uint64_t size);
/* The same for what a linker reads of a file: all but its code and constants, which are checked where they are used. */
bool boot_image_check_file(const struct image_file *file);
/* The file whose contents an offset in the archive belongs to, the first of its names; NULL: none. */
const struct image_file *boot_image_file_at(uint64_t offset);
#endif
