/* Numbers modulo p = 2^255 - 19, in five limbs of 51 bits, least first. A number is *reduced* when its limbs are below
 * 2^51 + 2^13, as multiplication leaves them; a factor's limbs must be below 2^54. The sum of two reduced numbers, and
 * the difference of two whose limbs are below 2^53 - 76, are factors. */
#ifndef ED25519_FIELD_H
#define ED25519_FIELD_H
#include <stdint.h>

#define FIELD_SIZE 32 /* bytes of a number, little-endian */

struct field {
    uint64_t limb[5];
};

#pragma GCC visibility push(hidden)

static inline struct field field_add(const struct field *a, const struct field *b)
{
    return (struct field){{a->limb[0] + b->limb[0], a->limb[1] + b->limb[1], a->limb[2] + b->limb[2],
                           a->limb[3] + b->limb[3], a->limb[4] + b->limb[4]}};
}

/* a - b + 4p: adds at most 2^53. */
static inline struct field field_subtract(const struct field *a, const struct field *b)
{
    const uint64_t low = (UINT64_C(1) << 53) - 76, other = (UINT64_C(1) << 53) - 4;
    return (struct field){{a->limb[0] + low - b->limb[0], a->limb[1] + other - b->limb[1],
                           a->limb[2] + other - b->limb[2], a->limb[3] + other - b->limb[3],
                           a->limb[4] + other - b->limb[4]}};
}

/* Reduced; `out` may be a factor. */
void field_multiply(struct field *out, const struct field *a, const struct field *b);
void field_square(struct field *out, const struct field *a);
/* 1 / a, reduced; of 0 it is 0. */
void field_invert(struct field *out, const struct field *a);
/* The one form below p. */
void field_write(uint8_t bytes[FIELD_SIZE], const struct field *a);

#pragma GCC visibility pop
#endif
