/* BLAKE2b with a 256-bit result and no key (RFC 7693): as strong as SHA-256 for our use, and a quarter of
 * its instructions on a 64-bit machine. `b2sum -l 256` and Python's hashlib.blake2b(digest_size=32) agree. */
#ifndef DIGEST_BLAKE2B_H
#define DIGEST_BLAKE2B_H
#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_SIZE 32
#define BLAKE2B_BLOCK 128

struct blake2b {
    uint64_t state[8];
    uint64_t taken;               /* bytes compressed so far */
    size_t held;                  /* bytes in `block` */
    uint8_t block[BLAKE2B_BLOCK]; /* the last block waits here: it is compressed differently */
};

void blake2b_init(struct blake2b *hash);
void blake2b_update(struct blake2b *hash, const void *data, size_t size);
void blake2b_finish(struct blake2b *hash, uint8_t digest[BLAKE2B_SIZE]);

/* The digest of one run of bytes. */
void blake2b(const void *data, size_t size, uint8_t digest[BLAKE2B_SIZE]);
#endif
