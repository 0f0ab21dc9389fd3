#include "field.h"

#include <string.h>

#define BITS 51
#define MASK ((UINT64_C(1) << BITS) - 1)

typedef unsigned __int128 wide;

/* Sums of products, each below 2^115, to a reduced number. 2^255 is 19. */
static inline void carry(struct field *out, wide r0, wide r1, wide r2, wide r3, wide r4)
{
    r1 += (uint64_t)(r0 >> BITS);
    r2 += (uint64_t)(r1 >> BITS);
    r3 += (uint64_t)(r2 >> BITS);
    r4 += (uint64_t)(r3 >> BITS);
    uint64_t low = ((uint64_t)r0 & MASK) + 19 * (uint64_t)(r4 >> BITS);
    *out = (struct field){{low & MASK, ((uint64_t)r1 & MASK) + (low >> BITS), (uint64_t)r2 & MASK, (uint64_t)r3 & MASK,
                           (uint64_t)r4 & MASK}};
}

static inline wide product(uint64_t a, uint64_t b)
{
    return (wide)a * b;
}

void field_multiply(struct field *out, const struct field *a, const struct field *b)
{
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    const uint64_t b0 = b->limb[0], b1 = b->limb[1], b2 = b->limb[2], b3 = b->limb[3], b4 = b->limb[4];
    const uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    wide r0 = product(a0, b0) + product(a1, c4) + product(a2, c3) + product(a3, c2) + product(a4, c1);
    wide r1 = product(a0, b1) + product(a1, b0) + product(a2, c4) + product(a3, c3) + product(a4, c2);
    wide r2 = product(a0, b2) + product(a1, b1) + product(a2, b0) + product(a3, c4) + product(a4, c3);
    wide r3 = product(a0, b3) + product(a1, b2) + product(a2, b1) + product(a3, b0) + product(a4, c4);
    wide r4 = product(a0, b4) + product(a1, b3) + product(a2, b2) + product(a3, b1) + product(a4, b0);
    carry(out, r0, r1, r2, r3, r4);
}

void field_square(struct field *out, const struct field *a)
{
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    const uint64_t twice0 = 2 * a0, twice1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4, twice4 = 2 * c4;
    wide r0 = product(a0, a0) + product(a1, twice4) + product(2 * a2, c3);
    wide r1 = product(twice0, a1) + product(a2, twice4) + product(a3, c3);
    wide r2 = product(twice0, a2) + product(a1, a1) + product(a3, twice4);
    wide r3 = product(twice0, a3) + product(twice1, a2) + product(a4, c4);
    wide r4 = product(twice0, a4) + product(twice1, a3) + product(a2, a2);
    carry(out, r0, r1, r2, r3, r4);
}

/* a^(2^count) * factor */
static void raise(struct field *out, const struct field *a, unsigned count, const struct field *factor)
{
    struct field power = *a;
    while (count--)
        field_square(&power, &power);
    field_multiply(out, &power, factor);
}

/* a^(2^250 - 1), and a^11 on the way. */
static void power_250(struct field *out, struct field *eleventh, const struct field *a)
{
    struct field two, nine, five_bits, ten, twenty, fifty, hundred;
    field_square(&two, a);
    raise(&nine, &two, 2, a);
    field_multiply(eleventh, &nine, &two);
    raise(&five_bits, eleventh, 1, &nine); /* 2^5 - 1 */
    raise(&ten, &five_bits, 5, &five_bits);
    raise(&twenty, &ten, 10, &ten);
    raise(&fifty, &twenty, 20, &twenty);
    raise(&fifty, &fifty, 10, &ten);
    raise(&hundred, &fifty, 50, &fifty);
    raise(&hundred, &hundred, 100, &hundred);
    raise(out, &hundred, 50, &fifty);
}

void field_invert(struct field *out, const struct field *a)
{
    struct field power, eleventh;
    power_250(&power, &eleventh, a);
    raise(out, &power, 5, &eleventh); /* p - 2 = (2^250 - 1) 2^5 + 11 */
}

void field_write(uint8_t bytes[FIELD_SIZE], const struct field *a)
{
    struct field number = *a;
    for (unsigned i = 0; i < 4; i++) {
        number.limb[i + 1] += number.limb[i] >> BITS;
        number.limb[i] &= MASK;
    }
    number.limb[0] += 19 * (number.limb[4] >> BITS);
    number.limb[4] &= MASK;
    /* It is below 2p. From p on, adding 19 carries out of bit 255. */
    struct field above = number;
    above.limb[0] += 19;
    for (unsigned i = 0; i < 4; i++)
        above.limb[i + 1] += above.limb[i] >> BITS;
    number.limb[0] += 19 * (above.limb[4] >> BITS);
    for (unsigned i = 0; i < 4; i++) {
        number.limb[i + 1] += number.limb[i] >> BITS;
        number.limb[i] &= MASK;
    }
    const uint64_t *limb = number.limb;
    const uint64_t word[4] = {limb[0] | limb[1] << 51, limb[1] >> 13 | limb[2] << 38, limb[2] >> 26 | limb[3] << 25,
                              limb[3] >> 39 | (limb[4] & MASK) << 12};
    memcpy(bytes, word, sizeof word);
}
