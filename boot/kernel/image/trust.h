/* Whose images this kernel starts. Without a key it starts any: that is for development. */
#ifndef IMAGE_TRUST_H
#define IMAGE_TRUST_H
#include <ambilink/image.h>
#include <ed25519/ed25519.h>
#include <stdbool.h>

/* The packer writes it into the kernel's data. */
struct image_trust {
    uint8_t key[ED25519_KEY_SIZE]; /* public; zero: none */
    uint64_t least_release;        /* images of an earlier one are refused: they may have known faults */
};
extern struct image_trust image_trust;

/* True: it has a key, so that trust_check needs Ed25519. */
bool trust_wants_signature(void);
/* For an archive whose header is sound, before anything that it leads to is read. Returns when the kernel has no key,
 * or when the header is signed by its owner, says which pages belong to it by a digest that no other page can be found
 * for, and is not of an earlier release. Else: panic, with what is wrong. */
void trust_check(const struct image_header *header);
#endif
