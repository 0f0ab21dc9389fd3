/* The kernel's own bytes. */
#ifndef IMAGE_SELF_H
#define IMAGE_SELF_H
#include <stdint.h>

/* Where the archive lies, physical; the packer writes it into the kernel's data. */
struct image_place {
    uint64_t address, size; /* size 0: the kernel was not packed */
};
extern struct image_place image_place;

/* The CRC-32C of all that a boot loader put in memory for the kernel, segment by segment, but for image_place and what
 * kernel_sum_of_signing covers. To be called before anything is written to these segments: entry code writes to .bss
 * alone. It detects corruption. It cannot detect tampering, for an attacker who alters a kernel alters its checks: that
 * is left to the boot loader, and to `ambilink image verify`. */
uint32_t kernel_sum_as_loaded(void);
/* The same of the code of Ed25519 and BLAKE3, which nothing writes: to be compared before that code is used. */
uint32_t kernel_sum_of_signing(void);
#endif
