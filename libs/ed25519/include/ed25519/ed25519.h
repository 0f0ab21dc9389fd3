/* Ed25519 signatures (RFC 8032, 5.1): whether one was made by the owner of a public key.
 *
 * Signature, message and key are public, so neither time nor memory accesses are constant: code that signs, or that
 * handles secret scalars, must not be made of these functions. Needs 2 KiB of stack, and nothing but memcpy, memset and
 * memcmp.
 *
 * What RFC 8032 leaves open is decided for the strictest answer:
 * - the equation is the one without the cofactor, [S]B = R + [k]A, by comparing R's bytes (as OpenSSL has it);
 * - S below the group's order; R in its one form;
 * - a key of small order, under which one signature is right for many messages, is no key. */
#ifndef ED25519_ED25519_H
#define ED25519_ED25519_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64
#define ED25519_TEETH 4

/* Of a point P: entry n - 1 is the sum of [2^(64 j)]P, of each j that is a bit of n, as y + x, y - x and 2 d x y,
 * each in five limbs of 51 bits, least first. So multiplying takes 64 steps instead of 253. */
struct ed25519_multiples {
    uint64_t entry[(1 << ED25519_TEETH) - 1][3][5];
};

/* True when `signature` is one of the message under the key. `multiples` are those of the negative of the key's point: they
 * were made from the key beforehand, which is where it was found to be one (toolchain/ambilink/bootimage/curve.py). */
bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], const struct ed25519_multiples *multiples, const void *message,
                    size_t size, const uint8_t signature[ED25519_SIGNATURE_SIZE]);
#endif
