/* SHA-512 (RFC 6234; FIPS 180-4), which Ed25519 is made with. */
#ifndef ED25519_SHA512_H
#define ED25519_SHA512_H
#include <stddef.h>
#include <stdint.h>

#define SHA512_SIZE 64
#define SHA512_BLOCK 128

struct sha512 {
    uint64_t state[8];
    uint64_t taken; /* bytes */
    uint8_t block[SHA512_BLOCK];
};

#pragma GCC visibility push(hidden)

void sha512_init(struct sha512 *hash);
void sha512_update(struct sha512 *hash, const void *data, size_t size);
void sha512_finish(struct sha512 *hash, uint8_t digest[SHA512_SIZE]);

#pragma GCC visibility pop
#endif
