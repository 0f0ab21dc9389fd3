/* Which file of the boot image lies at an address, for reports. */
#ifndef IMAGE_LOCATE_H
#define IMAGE_LOCATE_H
#include <rtld/module.h>

#include "image/image.h"
#include "memory/space.h"

struct located {
    const struct image_file *file; /* the first of its names */
    uint64_t low, high;            /* what its segments span in the space */
    uint64_t address;              /* p_vaddr of `low` */
    const uint8_t *build_id;       /* in the image; NULL: none */
    uint32_t build_id_size;
};

/* By the image's pages that are mapped there, in a segment that can be executed. False: there are none. */
bool locate(struct space *space, uint64_t address, struct located *found);
#endif
