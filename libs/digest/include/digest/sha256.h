/* SHA-256 (FIPS 180-4). */
#ifndef DIGEST_SHA256_H
#define DIGEST_SHA256_H
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_BLOCK 64

struct sha256 {
    uint32_t state[8];
    uint64_t length;               /* bytes taken so far */
    uint8_t block[SHA256_BLOCK];   /* the last, unfinished block */
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t digest[SHA256_SIZE]);

/* The digest of one run of bytes. */
void sha256(const void *data, size_t size, uint8_t digest[SHA256_SIZE]);
#endif
