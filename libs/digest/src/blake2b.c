#include <digest/blake2b.h>
#include <stdbool.h>
#include <string.h>

#define ROUNDS 12
#define PARAMETERS (0x01010000 | BLAKE2B_SIZE) /* fan-out 1, depth 1, no key (RFC 7693, 2.5) */

/* The initial values of SHA-512 (RFC 7693, 2.6). */
static const uint64_t initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* Which message words a round mixes in, in order (RFC 7693, 2.7). */
static const uint8_t schedule[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

static inline uint64_t rotate(uint64_t x, unsigned count)
{
    return x >> count | x << (64 - count);
}

/* The mixing function G (RFC 7693, 3.1). */
static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a = *a + *b + x; /* in this order, or clang needs more registers */
    *d = rotate(*d ^ *a, 32);
    *c += *d;
    *b = rotate(*b ^ *c, 24);
    *a = *a + *b + y;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 63);
}

static void compress(struct blake2b *hash, const uint8_t *block, bool last)
{
    uint64_t m[16], v[16];
    __builtin_memcpy(m, block, sizeof m); /* little-endian, as the machine; in a kernel, memcpy would be a call */
    for (unsigned i = 0; i < 8; i++) {
        v[i] = hash->state[i];
        v[i + 8] = initial[i];
    }
    v[12] ^= hash->taken;
    if (last)
        v[14] = ~v[14];
/* Unrolled, so that the schedule becomes addresses and the state stays in registers. */
#if defined(__clang__)
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 12
#endif
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint8_t *s = schedule[round];
        mix(&v[0], &v[4], &v[8], &v[12], m[s[0]], m[s[1]]);
        mix(&v[1], &v[5], &v[9], &v[13], m[s[2]], m[s[3]]);
        mix(&v[2], &v[6], &v[10], &v[14], m[s[4]], m[s[5]]);
        mix(&v[3], &v[7], &v[11], &v[15], m[s[6]], m[s[7]]);
        mix(&v[0], &v[5], &v[10], &v[15], m[s[8]], m[s[9]]);
        mix(&v[1], &v[6], &v[11], &v[12], m[s[10]], m[s[11]]);
        mix(&v[2], &v[7], &v[8], &v[13], m[s[12]], m[s[13]]);
        mix(&v[3], &v[4], &v[9], &v[14], m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        hash->state[i] ^= v[i] ^ v[i + 8];
}

void blake2b_init(struct blake2b *hash)
{
    *hash = (struct blake2b){0};
    memcpy(hash->state, initial, sizeof initial);
    hash->state[0] ^= PARAMETERS;
}

void blake2b_update(struct blake2b *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    if (hash->held) {
        size_t part = BLAKE2B_BLOCK - hash->held;
        if (part > size)
            part = size;
        memcpy(hash->block + hash->held, bytes, part);
        hash->held += part;
        bytes += part;
        size -= part;
        if (!size)
            return;
        hash->taken += BLAKE2B_BLOCK;
        compress(hash, hash->block, false);
        hash->held = 0;
    }
    for (; size > BLAKE2B_BLOCK; bytes += BLAKE2B_BLOCK, size -= BLAKE2B_BLOCK) {
        hash->taken += BLAKE2B_BLOCK;
        compress(hash, bytes, false);
    }
    memcpy(hash->block, bytes, size);
    hash->held = size;
}

void blake2b_finish(struct blake2b *hash, uint8_t digest[BLAKE2B_SIZE])
{
    hash->taken += hash->held;
    memset(hash->block + hash->held, 0, BLAKE2B_BLOCK - hash->held);
    compress(hash, hash->block, true);
    memcpy(digest, hash->state, BLAKE2B_SIZE);
}

void blake2b(const void *data, size_t size, uint8_t digest[BLAKE2B_SIZE])
{
    struct blake2b hash;
    blake2b_init(&hash);
    blake2b_update(&hash, data, size);
    blake2b_finish(&hash, digest);
}
