#include "image/trust.h"

#include <stddef.h>

#include "base/bytes.h"
#include "base/log.h"

/* A name of 8 bytes for a key, in hexadecimal digits. */
#define NAME_BYTES 8

/* In .data although it is zero: the packer writes it. */
struct image_trust image_trust __attribute__((section(".data")));

struct key_name {
    char text[2 * NAME_BYTES + 1];
};

static struct key_name name_of(const uint8_t key[ED25519_KEY_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    struct key_name name = {0};
    for (unsigned i = 0; i < NAME_BYTES; i++) {
        name.text[2 * i] = digits[key[i] >> 4];
        name.text[2 * i + 1] = digits[key[i] & 15];
    }
    return name;
}

static bool is_none(const uint8_t key[ED25519_KEY_SIZE])
{
    static const uint8_t none[ED25519_KEY_SIZE];
    return memory_compare(key, none, sizeof none) == 0;
}

static bool signature_is_right(const struct image_header *header)
{
    struct {
        uint8_t prefix[IMAGE_SIGNED_PREFIX_SIZE];
        uint8_t fields[offsetof(struct image_header, signature)];
    } message = {.prefix = IMAGE_SIGNED_PREFIX};
    memory_copy(message.fields, header, sizeof message.fields);
    return ed25519_verify(image_trust.key, &image_multiples, &message, sizeof message, header->signature);
}

bool trust_wants_signature(void)
{
    return !is_none(image_trust.key);
}

void trust_check_signer(const struct image_header *header)
{
    if (!trust_wants_signature())
        return;
    const struct key_name wanted = name_of(image_trust.key), signer = name_of(header->signer);
    if (is_none(header->signer))
        panic("boot image refused: it is not signed, and this kernel starts what key %s signed", wanted.text);
    if (memory_compare(header->signer, image_trust.key, sizeof image_trust.key) != 0)
        panic("boot image refused: key %s signed it, and this kernel starts what key %s signed", signer.text, wanted.text);
    if (header->digest_kind != IMAGE_DIGEST_BLAKE3)
        panic("boot image refused: it is signed, and its digests do not resist forgery");
}

void trust_check_signature(const struct image_header *header)
{
    if (!trust_wants_signature())
        return;
    if (!signature_is_right(header))
        panic("boot image refused: its signature is wrong: key %s did not sign this image", name_of(image_trust.key).text);
    if (header->release < image_trust.least_release)
        panic("boot image refused: it is version %u, and this kernel starts version %u and later", header->release,
              image_trust.least_release);
}
