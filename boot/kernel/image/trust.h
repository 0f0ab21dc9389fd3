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

/* Of the key's point, as ed25519_verify needs them. The packer writes them, too: into constants that are summed, as the code of
 * signatures is, when a signature is checked (image/self.h). */
extern const struct ed25519_multiples image_multiples;

/* True: it has a key, so that trust_check_signature needs Ed25519. */
bool trust_wants_signature(void);
/* For an archive whose header is sound, before anything that it leads to is read. Both return when the kernel has no key,
 * and panic with what is wrong. The first, when the header does not say that the key's owner signed it, or says which pages
 * belong to it by a digest that others can be found for. */
void trust_check_signer(const struct image_header *header);
/* Then, with kernel_sum_of_signing compared: when the owner did not sign it, or signed it for an earlier release. */
void trust_check_signature(const struct image_header *header);
#endif
