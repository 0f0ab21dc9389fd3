/* Points of the curve -x^2 + y^2 = 1 + d x^2 y^2 modulo p: edwards25519 (RFC 8032, 5.1). Formulas: Hisil, Wong, Carter,
 * Dawson, "Twisted Edwards Curves Revisited", which hold for any two points. */
#ifndef ED25519_POINT_H
#define ED25519_POINT_H
#include <ed25519/ed25519.h>

#include "field.h"

#define POINT_SIZE 32

/* x = X/Z, y = Y/Z, x y = T/Z; all reduced. */
struct point {
    struct field x, y, z, t;
};

#pragma GCC visibility push(hidden)

extern const struct ed25519_multiples point_base;

void point_write(uint8_t bytes[POINT_SIZE], const struct point *point);
/* [a]P + [b]Q for numbers below 2^256, in four words, least first. */
struct point point_combine(const uint64_t a[4], const struct ed25519_multiples *p, const uint64_t b[4],
                           const struct ed25519_multiples *q);

#pragma GCC visibility pop
#endif
