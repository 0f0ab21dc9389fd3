/* What a program cannot do without. The packer reads it, and refuses a manifest that does not grant it. */
#ifndef AMBILINK_NEEDS_H
#define AMBILINK_NEEDS_H
#include <ambilink/image.h>
#include <stdint.h>

#define NOTE_NEEDS 2 /* type of an ELF note whose owner is "Ambilink"; it holds one word, of IMAGE_GRANT_... */

struct needs_note {
    uint32_t owner_size, size, type;
    char owner[12];
    uint32_t grants;
};

/* Once in a program: IMAGE_GRANT_LOG, IMAGE_GRANT_IMAGE or both. */
#define SERVICE_NEEDS(wanted)                                                                                          \
    __attribute__((used, aligned(4), section(".note.ambilink.needs"))) static const struct needs_note needs_note = { \
        .owner_size = sizeof "Ambilink", .size = sizeof(uint32_t), .type = NOTE_NEEDS, .owner = "Ambilink", .grants = (wanted)}
#endif
