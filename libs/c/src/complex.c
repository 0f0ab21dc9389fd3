/* The compiler's helpers for multiplication of complex numbers (C17 annex G.5.1): the plain product, and
 * where both parts of it are NaN, the infinities that the operands call for. */
#include <math.h>

#define DEFINE_PRODUCT(name, real, copysign)                                                       \
    _Complex real name(real a, real b, real c, real d);                                            \
    _Complex real name(real a, real b, real c, real d)                                             \
    {                                                                                              \
        real ac = a * c, bd = b * d, ad = a * d, bc = b * c;                                       \
        real x = ac - bd, y = ad + bc;                                                             \
        if (isnan(x) && isnan(y)) {                                                                \
            int again = 0;                                                                         \
            if (isinf(a) || isinf(b)) {                                                            \
                a = copysign(isinf(a) ? 1 : 0, a);                                                 \
                b = copysign(isinf(b) ? 1 : 0, b);                                                 \
                c = isnan(c) ? copysign(0, c) : c;                                                 \
                d = isnan(d) ? copysign(0, d) : d;                                                 \
                again = 1;                                                                         \
            }                                                                                      \
            if (isinf(c) || isinf(d)) {                                                            \
                c = copysign(isinf(c) ? 1 : 0, c);                                                 \
                d = copysign(isinf(d) ? 1 : 0, d);                                                 \
                a = isnan(a) ? copysign(0, a) : a;                                                 \
                b = isnan(b) ? copysign(0, b) : b;                                                 \
                again = 1;                                                                         \
            }                                                                                      \
            if (!again && (isinf(ac) || isinf(bd) || isinf(ad) || isinf(bc))) {                    \
                a = isnan(a) ? copysign(0, a) : a;                                                 \
                b = isnan(b) ? copysign(0, b) : b;                                                 \
                c = isnan(c) ? copysign(0, c) : c;                                                 \
                d = isnan(d) ? copysign(0, d) : d;                                                 \
                again = 1;                                                                         \
            }                                                                                      \
            if (again) {                                                                           \
                x = (real)INFINITY * (a * c - b * d);                                              \
                y = (real)INFINITY * (a * d + b * c);                                              \
            }                                                                                      \
        }                                                                                          \
        union {                                                                                    \
            _Complex real value;                                                                   \
            real part[2];                                                                          \
        } product = {.part = {x, y}};                                                              \
        return product.value;                                                                      \
    }

DEFINE_PRODUCT(__mulsc3, float, copysignf)
DEFINE_PRODUCT(__muldc3, double, copysign)
DEFINE_PRODUCT(__mulxc3, long double, copysignl)
