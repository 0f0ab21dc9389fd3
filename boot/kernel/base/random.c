/* SipHash-2-4 of a counter, under a key that nothing else has. */
#include "base/random.h"

#include <hostlink/split_mix.h>

struct key {
    uint64_t low, high;
};

static struct key key;
static uint64_t counter;

static uint64_t rotate(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

static void mix(uint64_t v[4], unsigned rounds)
{
    while (rounds--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Of eight bytes. */
static uint64_t hash(uint64_t message)
{
    const uint64_t length = 8ull << 56;
    uint64_t v[4] = {key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d, key.low ^ 0x6c7967656e657261,
                     key.high ^ 0x7465646279746573 ^ message};
    mix(v, 2);
    v[0] ^= message;
    v[3] ^= length;
    mix(v, 2);
    v[0] ^= length;
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void random_init(uint64_t seed)
{
    key.low = split_mix(&seed);
    key.high = split_mix(&seed);
    counter = 0;
}

void random_stir(uint64_t entropy)
{
    struct key next = {hash(entropy), hash(random_next())};
    key = next;
}

uint64_t random_next(void)
{
    return hash(counter++);
}
