#include "series.h"

#define LAST_TERM 80 /* terms that are so many bits smaller than the sum count no more */

#define CONSTANT(exponent, high, low) {NUMBER_FINITE, false, false, exponent, (wide)(high) << 64 | (low)}
const struct number series_one = CONSTANT(0, 0x8000000000000000, 0);
const struct number series_pi = CONSTANT(1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
const struct number series_quarter_pi = CONSTANT(-1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
const struct number series_log_of_2 = CONSTANT(-1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
static const struct number log2_of_e = CONSTANT(0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);
/* The pi of 66 bits, as a number of 2^-64. */
#define PI_LOW 0x243f6a8885a308d3
#define PI_HIGH 3

static struct number add(struct number a, struct number b)
{
    return number_add(a, b, false);
}

static struct number divided_by(struct number n, uint32_t by)
{
    wide quotient = 0;
    uint64_t rest = 0;
    for (int shift = 96; shift >= 0; shift -= 32) {
        rest = rest << 32 | (uint32_t)(n.digits >> shift);
        quotient |= (wide)(rest / by) << shift;
        rest %= by;
    }
    return n.kind == NUMBER_FINITE ? number_of_digits(n.negative, n.exponent, quotient) : n;
}

static bool is_negligible(struct number term, struct number sum)
{
    return term.kind == NUMBER_ZERO || term.exponent < sum.exponent - LAST_TERM;
}

/* x + x^2 / 2! + x^3 / 3! + ... */
struct number series_exponential(struct number x)
{
    struct number sum = x, term = x;
    for (uint32_t i = 2; !is_negligible(term, sum); i++) {
        term = divided_by(number_multiply(term, x), i);
        sum = add(sum, term);
    }
    return sum;
}

/* x +- x^3 / 3 + x^5 / 5 +- ...: the arc tangent or, with `alternates` false, the area tangent. */
static struct number arc(struct number x, bool alternates)
{
    struct number sum = x, power = x, term = x, square = number_multiply(x, x);
    square.negative = alternates;
    for (uint32_t i = 3; !is_negligible(term, sum); i += 2) {
        power = number_multiply(power, square);
        term = divided_by(power, i);
        sum = add(sum, term);
    }
    return sum;
}

/* The sine from its first term x, the cosine from 1: each term is the one before * -x^2 / (n * (n + 1)). */
static struct number circular(struct number first, struct number x, uint32_t n)
{
    struct number sum = first, term = first, square = number_negated(number_multiply(x, x));
    for (; !is_negligible(term, sum); n += 2) {
        term = divided_by(number_multiply(term, square), n * (n + 1));
        sum = add(sum, term);
    }
    return sum;
}

/* The logarithm to base 2 of a number above zero, and what it is more than 1. */
struct number series_logarithm(struct number whole, struct number fraction)
{
    int32_t exponent = 0;
    static const struct number root_half = CONSTANT(-1, 0xb504f333f9de6484, 0x597d89b3754abe9f);
    struct number low = root_half, high = number_scaled(root_half, 1);
    if (number_compare_sizes(whole, low) < 0 || number_compare_sizes(whole, high) > 0) {
        exponent = whole.exponent;
        whole.exponent = 0;
        if (number_compare_sizes(whole, high) > 0) {
            whole.exponent = -1;
            exponent++;
        }
        fraction = number_subtract(whole, series_one);
    }
    struct number sum = number_zero(false);
    if (fraction.kind != NUMBER_ZERO) {
        struct number part = number_divide(fraction, add(add(series_one, series_one), fraction));
        sum = number_multiply(number_scaled(arc(part, false), 1), log2_of_e);
    }
    return add(sum, number_from_integer(exponent));
}

/* The arc tangent of a / b, both positive or zero, and not both zero. */
struct number series_arc_tangent(struct number a, struct number b)
{
    bool swapped = number_compare_sizes(a, b) > 0;
    struct number ratio = swapped ? number_divide(b, a) : number_divide(a, b), result;
    if (ratio.kind == NUMBER_ZERO)
        result = ratio;
    else if (ratio.exponent < -1) /* below a half */
        result = arc(ratio, true);
    else
        result = add(series_quarter_pi, arc(number_divide(number_subtract(ratio, series_one), add(ratio, series_one)),
                                            true));
    return swapped ? number_subtract(number_scaled(series_quarter_pi, 1), result) : result;
}

/* x less a multiple of pi / 2, between -pi / 4 and pi / 4; *quadrant: which multiple, of 4. Exact. */
static struct number reduced(struct number x, unsigned *quadrant)
{
    const wide half_pi = (wide)PI_HIGH << 64 | PI_LOW; /* in units of 2^-65 */
    *quadrant = 0;
    if (x.kind == NUMBER_ZERO || x.exponent < -1)
        return x;
    wide rest = 0, digits = x.digits;
    uint64_t quotient = 0;
    for (int32_t i = x.exponent + 66; i > 0; i--) { /* bits of x down to 2^-65 */
        rest = rest << 1 | digits >> 127;
        digits <<= 1;
        quotient <<= 1;
        if (rest >= half_pi) {
            rest -= half_pi;
            quotient++;
        }
    }
    bool over = rest > half_pi / 2;
    *quadrant = (unsigned)(quotient + over) & 3;
    if (x.negative)
        *quadrant = -*quadrant & 3;
    wide size = over ? half_pi - rest : rest;
    if (!size)
        return number_zero(x.negative);
    return number_of_digits(x.negative != over, 62, size);
}

void series_sine_and_cosine(struct number x, struct number *sine, struct number *cosine)
{
    unsigned quadrant;
    struct number left = reduced(x, &quadrant);
    struct number s = circular(left, left, 2), c = circular(series_one, left, 1);
    struct number results[4] = {s, c, number_negated(s), number_negated(c)};
    *sine = results[quadrant];
    *cosine = results[(quadrant + 1) & 3];
}
