#include <digest/checksum.h>

#define PRIME_1 0x9e3779b185ebca87
#define PRIME_2 0xc2b2ae3d27d4eb4f
#define PRIME_3 0x165667b19e3779f9
#define PRIME_4 0x85ebca77c2b2ae63
#define PRIME_5 0x27d4eb2f165667c5
#define STRIPE 32

static inline uint64_t rotate(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

/* Words are little-endian, as on every target. The compiler reads them itself, in a kernel too. */
static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t take(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * PRIME_2, 31) * PRIME_1;
}

static const uint8_t *take_stripes(const uint8_t *at, const uint8_t *end, uint64_t seed, uint64_t *hash)
{
    uint64_t a = seed + PRIME_1 + PRIME_2, b = seed + PRIME_2, c = seed, d = seed - PRIME_1;
    for (; end - at >= STRIPE; at += STRIPE) {
        a = take(a, word_at(at));
        b = take(b, word_at(at + 8));
        c = take(c, word_at(at + 16));
        d = take(d, word_at(at + 24));
    }
    *hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    const uint64_t lanes[] = {a, b, c, d};
    for (unsigned i = 0; i < 4; i++)
        *hash = (*hash ^ take(0, lanes[i])) * PRIME_1 + PRIME_4;
    return at;
}

uint64_t checksum64(const void *data, size_t size, uint64_t seed)
{
    const uint8_t *at = data, *end = at + size;
    uint64_t hash = seed + PRIME_5;
    if (size >= STRIPE)
        at = take_stripes(at, end, seed, &hash);
    hash += size;
    for (; end - at >= 8; at += 8)
        hash = rotate(hash ^ take(0, word_at(at)), 27) * PRIME_1 + PRIME_4;
    if (end - at >= 4) {
        uint32_t half;
        __builtin_memcpy(&half, at, sizeof half);
        hash = rotate(hash ^ half * PRIME_1, 23) * PRIME_2 + PRIME_3;
        at += 4;
    }
    while (at < end)
        hash = rotate(hash ^ *at++ * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
