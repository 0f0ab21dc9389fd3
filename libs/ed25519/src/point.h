/* Points of the curve -x^2 + y^2 = 1 + d x^2 y^2 modulo p: edwards25519 (RFC 8032, 5.1). Formulas: Hisil, Wong, Carter,
 * Dawson, "Twisted Edwards Curves Revisited", which hold for any two points. */
#ifndef ED25519_POINT_H
#define ED25519_POINT_H
#include "field.h"

#define POINT_SIZE 32

/* x = X/Z, y = Y/Z, x y = T/Z; all reduced. */
struct point {
    struct field x, y, z, t;
};

#pragma GCC visibility push(hidden)

extern const struct point point_base;

/* False: the bytes are no point's (RFC 8032, 5.1.3), or not in its one form. */
bool point_read(struct point *out, const uint8_t bytes[POINT_SIZE]);
void point_write(uint8_t bytes[POINT_SIZE], const struct point *point);
struct point point_negative(const struct point *point);
/* [8]P = 0. */
bool point_of_small_order(const struct point *point);
/* [a]P + [b]Q for numbers below 2^253, in four words, least first. */
struct point point_combine(const uint64_t a[4], const struct point *p, const uint64_t b[4], const struct point *q);

#pragma GCC visibility pop
#endif
