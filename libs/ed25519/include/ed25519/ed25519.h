/* Ed25519 signatures (RFC 8032, 5.1): whether one was made by the owner of a public key.
 *
 * Signature, message and key are public, so neither time nor memory accesses are constant: code that signs, or that
 * handles secret scalars, must not be made of these functions. Needs 5 KiB of stack, and nothing but memcpy, memset and
 * memcmp.
 *
 * What RFC 8032 leaves open is decided for the strictest answer:
 * - the equation is the one without the cofactor, [S]B = R + [k]A, by comparing R's bytes (as OpenSSL has it);
 * - S below the group's order, coordinates below p; x = 0 has no sign;
 * - a key of small order, under which one signature is right for many messages, is no key. */
#ifndef ED25519_ED25519_H
#define ED25519_ED25519_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* True when `signature` is one of the message under the key. False as well for bytes that are no key or no
 * signature. */
bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], const void *message, size_t size,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]);
#endif
