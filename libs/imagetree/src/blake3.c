#include "blake3.h"

#define ROUNDS 7
#define CHUNK_BLOCKS 16
#define CHUNK (CHUNK_BLOCKS * BLAKE3_BLOCK)
#define LANES 4 /* chunks of a page */
#define FEW 48  /* blocks, up to which chunks one by one cost less than all side by side */

enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

/* A kernel is compiled without vector registers; this file has them. */
#if defined(__x86_64__)
#define VECTORS __attribute__((target("sse2")))
#else
#define VECTORS
#endif
#define INLINE static inline __attribute__((always_inline)) VECTORS
/* Rounds are unrolled, so that the schedule becomes addresses and the state stays in registers. */
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 7")
#endif

typedef uint32_t lanes __attribute__((vector_size(16)));
typedef uint32_t lanes_in_memory __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint16_t halves __attribute__((vector_size(16)));

/* A chaining value. */
struct chain {
    lanes low, high;
};

#define IV0 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a /* as SHA-256 begins */
#define IV4 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19

/* Which message words a round mixes in, in order: the permutation of the specification's table 2, once more each round. */
static const uint8_t schedule[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

INLINE lanes load(const uint8_t *bytes)
{
    return *(const lanes_in_memory *)bytes; /* little-endian, as the machine */
}

INLINE lanes all(uint32_t x)
{
    return (lanes){x, x, x, x};
}

INLINE lanes rotate(lanes x, int count)
{
    return x >> count | x << (32 - count);
}

/* By 16 bits: halves change places, for which SSE2 has instructions. */
INLINE lanes swap_halves(lanes x)
{
    halves half = (halves)x;
    half = __builtin_shufflevector(half, half, 1, 0, 3, 2, 4, 5, 6, 7);
    return (lanes)__builtin_shufflevector(half, half, 0, 1, 2, 3, 5, 4, 7, 6);
}

/* The mixing function G. */
INLINE void mix(lanes *a, lanes *b, lanes *c, lanes *d, lanes x, lanes y)
{
    *a = *a + x + *b;
    *d = swap_halves(*d ^ *a);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a = *a + y + *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

INLINE void transpose(lanes out[4], lanes a, lanes b, lanes c, lanes d)
{
    const lanes ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const lanes ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    out[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

/* A block of each chunk, chunk i in lane i; `block` is the first chunk's. */
static VECTORS void compress_side_by_side(lanes state[8], const uint8_t *block, lanes flags)
{
    lanes m[16], v[16] = {[8] = all(0x6a09e667), all(0xbb67ae85), all(0x3c6ef372), all(0xa54ff53a),
                          {0, 1, 2, 3},          all(0),          all(BLAKE3_BLOCK), flags};
    for (unsigned i = 0; i < BLAKE3_BLOCK; i += sizeof *m)
        transpose(m + i / 4, load(block + i), load(block + CHUNK + i), load(block + 2 * CHUNK + i), load(block + 3 * CHUNK + i));
    for (unsigned i = 0; i < 8; i++)
        v[i] = state[i];
    UNROLLED
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
        state[i] = v[i] ^ v[i + 8];
}

/* The words of a block as the four calls of `mix` of a round need them: those that are x and y of the columns, and of the
 * diagonals. */
struct words {
    lanes x, y, diagonal_x, diagonal_y;
};

INLINE struct words read_words(const uint8_t *block)
{
    const lanes a = load(block), b = load(block + 16), c = load(block + 32), d = load(block + 48);
    return (struct words){
        __builtin_shufflevector(a, b, 0, 2, 4, 6),
        __builtin_shufflevector(a, b, 1, 3, 5, 7),
        __builtin_shufflevector(c, d, 0, 2, 4, 6),
        __builtin_shufflevector(c, d, 1, 3, 5, 7),
    };
}

/* As schedule[1] has them. */
INLINE struct words permute(struct words m)
{
    const lanes x = __builtin_shufflevector(m.x, m.y, 1, 2, 5, 7);                      /* 2 4 3 7 */
    const lanes ten = __builtin_shufflevector(m.x, m.diagonal_x, 0, 3, 5, 5);           /* 0 6 10 */
    const lanes zero = __builtin_shufflevector(ten, m.diagonal_y, 0, 1, 6, 6);          /* 0 6 13 */
    const lanes one = __builtin_shufflevector(m.y, m.diagonal_y, 0, 0, 4, 7);           /* 1 1 9 15 */
    const lanes twelve = __builtin_shufflevector(one, m.diagonal_x, 0, 0, 6, 6);        /* 1 1 12 */
    const lanes eleven = __builtin_shufflevector(m.diagonal_y, m.y, 1, 1, 6, 6);        /* 11 11 5 */
    return (struct words){
        __builtin_shufflevector(x, x, 0, 2, 3, 1),
        __builtin_shufflevector(ten, zero, 1, 2, 4, 6),
        __builtin_shufflevector(twelve, one, 0, 2, 6, 7),
        __builtin_shufflevector(eleven, m.diagonal_x, 0, 2, 7, 4),
    };
}

/* One block, its state in rows of four words. */
static VECTORS void compress(struct chain *state, const uint8_t *block, unsigned size, unsigned counter, unsigned flags)
{
    struct words m = read_words(block);
    lanes a = state->low, b = state->high, c = {IV0}, d = {counter, 0, size, flags};
    UNROLLED
    for (unsigned round = 0; round < ROUNDS; round++) {
        mix(&a, &b, &c, &d, m.x, m.y);
        b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
        c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
        d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
        mix(&a, &b, &c, &d, m.diagonal_x, m.diagonal_y);
        b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
        c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
        d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
        m = permute(m);
    }
    *state = (struct chain){a ^ c, b ^ d};
}

/* At least a block; or none: that is the hash of no bytes. */
static VECTORS struct chain hash_chunk(const uint8_t *chunk, unsigned blocks, unsigned number, unsigned root)
{
    struct chain state = {{IV0}, {IV4}};
    unsigned start = CHUNK_START;
    for (; blocks > 1; blocks--, chunk += BLAKE3_BLOCK, start = 0)
        compress(&state, chunk, BLAKE3_BLOCK, number, start);
    static const uint8_t nothing[BLAKE3_BLOCK];
    compress(&state, blocks ? chunk : nothing, blocks * BLAKE3_BLOCK, number, start | CHUNK_END | root);
    return state;
}

INLINE void read_lanes(struct chain out[LANES], const lanes state[8])
{
    lanes low[LANES], high[LANES];
    transpose(low, state[0], state[1], state[2], state[3]);
    transpose(high, state[4], state[5], state[6], state[7]);
    for (unsigned i = 0; i < LANES; i++)
        out[i] = (struct chain){low[i], high[i]};
}

/* All chunks of a page, of which the last one has so many blocks: what its lane does behind them is not used. */
static VECTORS void hash_side_by_side(struct chain out[LANES], const uint8_t *page, unsigned last)
{
    lanes state[8] = {all(0x6a09e667), all(0xbb67ae85), all(0x3c6ef372), all(0xa54ff53a),
                      all(0x510e527f), all(0x9b05688c), all(0x1f83d9ab), all(0x5be0cd19)};
    struct chain at_last[LANES];
    for (unsigned i = 1; i <= CHUNK_BLOCKS; i++, page += BLAKE3_BLOCK) {
        const uint32_t flags = i == 1 ? CHUNK_START : i == CHUNK_BLOCKS ? CHUNK_END : 0;
        compress_side_by_side(state, page, (lanes){flags, flags, flags, i == last ? flags | CHUNK_END : flags});
        if (i == last)
            read_lanes(at_last, state);
    }
    read_lanes(out, state);
    out[LANES - 1] = at_last[LANES - 1];
}

static VECTORS struct chain join(const struct chain pair[2], unsigned root)
{
    struct chain state = {{IV0}, {IV4}};
    compress(&state, (const uint8_t *)pair, BLAKE3_BLOCK, 0, PARENT | root);
    return state;
}

static VECTORS struct chain hash_chunks(const uint8_t *page, unsigned blocks)
{
    struct chain chunk[LANES];
    if (blocks <= CHUNK_BLOCKS)
        return hash_chunk(page, blocks, 0, ROOT);
    if (blocks > FEW)
        hash_side_by_side(chunk, page, blocks - FEW);
    else
        for (unsigned i = 0, left = blocks; left; i++, page += CHUNK) {
            const unsigned here = left < CHUNK_BLOCKS ? left : CHUNK_BLOCKS;
            chunk[i] = hash_chunk(page, here, i, 0);
            left -= here;
        }
    if (blocks > 2 * CHUNK_BLOCKS) {
        chunk[0] = join(chunk, 0);
        chunk[1] = blocks > 3 * CHUNK_BLOCKS ? join(chunk + 2, 0) : chunk[2];
    }
    return join(chunk, ROOT);
}

VECTORS void blake3(const uint8_t *page, unsigned blocks, uint8_t digest[BLAKE3_SIZE])
{
    const struct chain result = hash_chunks(page, blocks);
    __builtin_memcpy(digest, &result, BLAKE3_SIZE); /* in a kernel, memcpy would be a call */
}
