#include "scalar.h"

#include <string.h>

/* L = 2^252 + c */
#define C0 0x5812631a5cf5d3ed
#define C1 0x14def9dea2f79cd6
#define TOP (UINT64_C(1) << 60) /* 2^252, in the last word */

typedef unsigned __int128 wide;

static const struct scalar order = {{C0, C1, 0, TOP}};

/* a - b modulo 2^256; true: b is above a. */
static bool subtract(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    uint64_t borrow = 0;
    for (unsigned i = 0; i < 4; i++) {
        wide difference = (wide)a->word[i] - b->word[i] - borrow;
        out->word[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return borrow;
}

static void add_order(struct scalar *a)
{
    wide sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        sum += (wide)a->word[i] + order.word[i];
        a->word[i] = (uint64_t)sum;
        sum >>= 64;
    }
}

bool scalar_read(struct scalar *out, const uint8_t bytes[SCALAR_SIZE])
{
    struct scalar ignored;
    memcpy(out->word, bytes, sizeof out->word); /* little-endian, as the machine */
    return subtract(&ignored, out, &order);
}

/* a * 2^32 + digit, for a below L: with q = its bits from 252 on, less than 2^33, it is q L + low - q c, where low is
 * below 2^252, and q c below 2^158. */
static void append(struct scalar *a, uint32_t digit)
{
    uint64_t *word = a->word;
    uint64_t q = word[3] >> 28;
    word[3] = (word[3] << 32 | word[2] >> 32) & (TOP - 1);
    word[2] = word[2] << 32 | word[1] >> 32;
    word[1] = word[1] << 32 | word[0] >> 32;
    word[0] = word[0] << 32 | digit;
    wide low = (wide)q * C0, high = (wide)q * C1 + (uint64_t)(low >> 64);
    const struct scalar product = {{(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64), 0}};
    if (subtract(a, a, &product))
        add_order(a);
}

struct scalar scalar_remainder(const uint8_t bytes[SCALAR_WIDE_SIZE])
{
    struct scalar result = {{0}};
    for (unsigned i = SCALAR_WIDE_SIZE; i; i -= sizeof(uint32_t)) {
        uint32_t digit;
        memcpy(&digit, bytes + i - sizeof digit, sizeof digit);
        append(&result, digit);
    }
    return result;
}
