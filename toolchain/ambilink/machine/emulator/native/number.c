#include "number.h"

#define TOP ((wide)1 << 127)

static unsigned leading_zeros(wide value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    return high ? (unsigned)__builtin_clzll(high) : low ? 64 + (unsigned)__builtin_clzll(low) : 128;
}

/* Shift right; what is lost stays as the lowest bit. */
static wide shifted(wide value, unsigned by)
{
    if (!by)
        return value;
    if (by > 127)
        return value != 0;
    return value >> by | ((value << (128 - by)) != 0);
}

struct number number_of_digits(bool negative, int32_t exponent, wide digits)
{
    unsigned shift = leading_zeros(digits);
    if (!digits)
        return number_zero(negative);
    return (struct number){NUMBER_FINITE, negative, false, exponent - (int32_t)shift, digits << shift};
}

/* A number of an IEEE format whose significand has so many bits behind the point. */
static struct number unpack(uint64_t bits, unsigned fraction, unsigned exponents)
{
    bool negative = bits >> (fraction + exponents) & 1;
    int32_t highest = (1 << exponents) - 1, exponent = (int32_t)(bits >> fraction) & highest;
    wide digits = (wide)bits << (128 - fraction) >> 1;
    if (exponent == highest) {
        if (!digits)
            return number_infinite(negative);
        bool quiet = digits >> 126 & 1;
        return (struct number){quiet ? NUMBER_QUIET : NUMBER_SIGNALING, negative, false, 0, digits | TOP};
    }
    if (exponent)
        return (struct number){NUMBER_FINITE, negative, false, exponent - highest / 2, digits | TOP};
    struct number n = number_of_digits(negative, 1 - highest / 2, digits);
    n.denormal = n.kind == NUMBER_FINITE;
    return n;
}

struct number number_from32(uint32_t bits)
{
    return unpack(bits, 23, 8);
}

struct number number_from64(uint64_t bits)
{
    return unpack(bits, 52, 11);
}

struct number number_from80(struct extended bits)
{
    bool negative = bits.exponent >> 15;
    int32_t exponent = bits.exponent & 0x7fff;
    wide digits = (wide)bits.digits << 64;
    if (exponent == 0) {
        struct number n = number_of_digits(negative, 1 - NUMBER_BIAS, digits);
        n.denormal = n.kind == NUMBER_FINITE;
        return n;
    }
    if (!(bits.digits >> 63))
        return (struct number){.kind = NUMBER_UNSUPPORTED};
    if (exponent < 0x7fff)
        return (struct number){NUMBER_FINITE, negative, false, exponent - NUMBER_BIAS, digits};
    if (digits == TOP)
        return number_infinite(negative);
    return (struct number){digits >> 126 & 1 ? NUMBER_QUIET : NUMBER_SIGNALING, negative, false, 0, digits};
}

struct number number_from_integer(int64_t value)
{
    return number_of_digits(value < 0, 127, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

struct number number_indefinite(void)
{
    return (struct number){NUMBER_QUIET, true, false, 0, (wide)3 << 126};
}

static uint64_t pack(struct number n, unsigned fraction, unsigned exponents)
{
    uint64_t sign = (uint64_t)n.negative << (fraction + exponents), highest = (1u << exponents) - 1;
    int32_t exponent = n.exponent + (int32_t)(highest / 2);
    uint64_t digits = (uint64_t)(n.digits >> (127 - fraction)) & (((uint64_t)1 << fraction) - 1);
    switch (n.kind) {
    case NUMBER_ZERO:
        return sign;
    case NUMBER_FINITE:
        if (exponent < 1)
            return sign | (uint64_t)(n.digits >> (128 - fraction - (unsigned)exponent));
        return sign | (uint64_t)exponent << fraction | digits;
    case NUMBER_INFINITE:
        return sign | highest << fraction;
    default:
        return sign | highest << fraction | digits;
    }
}

uint32_t number_to32(struct number n)
{
    return (uint32_t)pack(n, 23, 8);
}

uint64_t number_to64(struct number n)
{
    return pack(n, 52, 11);
}

struct extended number_to80(struct number n)
{
    uint16_t sign = (uint16_t)(n.negative << 15);
    int32_t exponent = n.exponent + NUMBER_BIAS;
    uint64_t digits = (uint64_t)(n.digits >> 64);
    switch (n.kind) {
    case NUMBER_ZERO:
        return (struct extended){.exponent = sign};
    case NUMBER_FINITE:
        if (exponent < 1)
            return (struct extended){.digits = digits >> (1 - exponent), .exponent = sign};
        return (struct extended){.digits = digits, .exponent = (uint16_t)(sign | exponent)};
    case NUMBER_INFINITE:
        return (struct extended){.digits = (uint64_t)1 << 63, .exponent = sign | 0x7fff};
    default:
        return (struct extended){.digits = digits, .exponent = sign | 0x7fff};
    }
}

int number_compare_sizes(struct number a, struct number b)
{
    if (a.kind == NUMBER_ZERO || b.kind == NUMBER_ZERO)
        return (a.kind != NUMBER_ZERO) - (b.kind != NUMBER_ZERO);
    if (a.exponent != b.exponent)
        return a.exponent < b.exponent ? -1 : 1;
    return (a.digits > b.digits) - (a.digits < b.digits);
}

struct number number_add(struct number a, struct number b, bool zero_is_negative)
{
    if (b.kind == NUMBER_ZERO && a.kind == NUMBER_ZERO)
        return number_zero(a.negative == b.negative ? a.negative : zero_is_negative);
    int order = number_compare_sizes(a, b);
    if (order < 0) {
        struct number larger = b;
        b = a;
        a = larger;
    }
    if (b.kind == NUMBER_ZERO)
        return number_of_digits(a.negative, a.exponent, a.digits);
    wide small = shifted(b.digits, (unsigned)(a.exponent - b.exponent) + 1), large = shifted(a.digits, 1);
    if (a.negative == b.negative)
        return number_of_digits(a.negative, a.exponent + 1, large + small);
    return order ? number_of_digits(a.negative, a.exponent + 1, large - small) : number_zero(zero_is_negative);
}

struct number number_multiply(struct number a, struct number b)
{
    bool negative = a.negative != b.negative;
    if (a.kind == NUMBER_ZERO || b.kind == NUMBER_ZERO)
        return number_zero(negative);
    uint64_t low_a = (uint64_t)a.digits, low_b = (uint64_t)b.digits;
    wide high = (a.digits >> 64) * (b.digits >> 64);
    if (low_a | low_b) {
        wide cross = (a.digits >> 64) * low_b, other = (b.digits >> 64) * low_a, low = (wide)low_a * low_b;
        wide middle = (low >> 64) + (uint64_t)cross + (uint64_t)other;
        high += (cross >> 64) + (other >> 64) + (middle >> 64);
        high |= ((uint64_t)middle | (uint64_t)low) != 0;
    }
    return number_of_digits(negative, a.exponent + b.exponent + 1, high);
}

/* high * 2^64 / by, where high < by and the top bit of `by` is set: two digits of 32 bits. */
static uint64_t divide_step(uint64_t high, uint64_t by, uint64_t *rest)
{
    uint64_t by_high = by >> 32, by_low = (uint32_t)by, quotient = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t digit = high / by_high, left = high % by_high;
        while (digit >> 32 || digit * by_low > left << 32) {
            digit--;
            left += by_high;
            if (left >> 32)
                break;
        }
        high = (high << 32) - digit * by;
        quotient = quotient << 32 | digit;
    }
    *rest = high;
    return quotient;
}

/* numerator / by, both with the top bit set or numerator < by: 128 bits, one at a time. */
static wide divide_slowly(wide numerator, wide by)
{
    wide quotient = 0;
    for (int i = 0; i < 128; i++) {
        bool carry = numerator >> 127;
        numerator <<= 1;
        quotient <<= 1;
        if (carry || numerator >= by) {
            numerator -= by;
            quotient |= 1;
        }
    }
    return quotient | (numerator != 0);
}

struct number number_divide(struct number a, struct number b)
{
    bool negative = a.negative != b.negative;
    if (a.kind == NUMBER_ZERO)
        return number_zero(negative);
    bool at_least_one = a.digits >= b.digits;
    wide numerator = at_least_one ? shifted(a.digits, 1) : a.digits;
    int32_t exponent = a.exponent - b.exponent - !at_least_one;
    if ((uint64_t)b.digits || (uint64_t)a.digits)
        return number_of_digits(negative, exponent, divide_slowly(numerator, b.digits));
    uint64_t by = (uint64_t)(b.digits >> 64), rest;
    /* An odd numerator that was halved has its last bit in the lower half. */
    uint64_t first = divide_step((uint64_t)(numerator >> 64), by, &rest);
    uint64_t half = (uint64_t)numerator;
    if (half) { /* 2^63: rest + 2^63 may reach `by` */
        wide sum = (wide)rest + half;
        if (sum >= by) {
            sum -= by;
            first++;
        }
        rest = (uint64_t)sum;
    }
    uint64_t second = divide_step(rest, by, &rest);
    return number_of_digits(negative, exponent, (wide)first << 64 | second | (rest != 0));
}

struct number number_square_root(struct number a)
{
    if (a.kind == NUMBER_ZERO)
        return a;
    /* An even exponent: the root of digits * 2^(exponent - 127), with 64 bits. */
    bool odd = a.exponent & 1;
    wide left = odd ? a.digits : a.digits >> 1, root = 0;
    int32_t exponent = (a.exponent - odd) / 2;
    for (wide bit = (wide)1 << 126; bit; bit >>= 2) {
        if (left >= root + bit) {
            left -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    wide digits = root << 64 | (wide)(left > root) << 63 | (left != 0);
    return number_of_digits(false, exponent, digits);
}

static bool goes_up(struct number n, unsigned mode, wide rest, wide half, bool odd)
{
    switch (mode) {
    case MODE_NEAREST:
        return rest > half || (rest == half && odd);
    case MODE_DOWN:
        return n.negative && rest;
    case MODE_UP:
        return !n.negative && rest;
    default:
        return false;
    }
}

/* Keep so many of the digits, which may be none or fewer: then only what rounding up makes is left. */
static struct number cut(struct number n, int32_t keep, unsigned mode, bool *inexact, bool *up)
{
    if (keep > 127) {
        *inexact = *up = false;
        return n;
    }
    if (keep <= 0) {
        *inexact = true;
        *up = keep ? goes_up(n, mode, 1, 2, false) : goes_up(n, mode, n.digits, TOP, false);
        return *up ? number_of_digits(n.negative, n.exponent - keep + 1, TOP) : number_zero(n.negative);
    }
    wide unit = (wide)1 << (128 - keep), rest = n.digits & (unit - 1);
    *inexact = rest != 0;
    *up = goes_up(n, mode, rest, unit >> 1, n.digits & unit);
    n.digits -= rest;
    if (*up) {
        n.digits += unit;
        if (!n.digits) { /* carried */
            n.digits = TOP;
            n.exponent++;
        }
    }
    return n;
}

static struct number overflowed(struct number n, const struct rounding *how, bool *up)
{
    unsigned toward_zero = n.negative ? MODE_UP : MODE_DOWN;
    *up = how->mode != MODE_TRUNCATE && how->mode != toward_zero;
    if (*up)
        return number_infinite(n.negative);
    return number_of_digits(n.negative, how->highest, ~(wide)0 << (128 - how->precision));
}

static struct number underflowed(struct number n, const struct rounding *how, unsigned *flags, bool *up)
{
    bool inexact, masked = how->masked & FLAG_UNDERFLOW;
    if (how->flush && masked) {
        *flags |= FLAG_UNDERFLOW | FLAG_INEXACT;
        *up = false;
        return number_zero(n.negative);
    }
    struct number result = cut(n, how->precision - (how->lowest - n.exponent), how->mode, &inexact, up);
    *flags |= (inexact ? FLAG_INEXACT : 0) | (inexact || !masked ? FLAG_UNDERFLOW : 0);
    return result;
}

struct number number_round(struct number n, const struct rounding *how, unsigned *flags, bool *up)
{
    bool inexact;
    *up = false;
    if (n.kind != NUMBER_FINITE)
        return n;
    struct number result = cut(n, how->precision, how->mode, &inexact, up);
    if (result.exponent < how->lowest) { /* tiny, as it is after rounding */
        if (how->masked & FLAG_UNDERFLOW || !how->bias)
            return underflowed(n, how, flags, up);
        result.exponent += how->bias;
        *flags |= FLAG_UNDERFLOW;
        if (result.exponent < how->lowest) { /* still */
            *flags |= FLAG_INEXACT;
            *up = false;
            return number_zero(n.negative);
        }
    } else if (n.exponent < how->lowest) {
        result = cut(n, how->precision - (how->lowest - n.exponent), how->mode, &inexact, up);
    } else if (result.exponent > how->highest) {
        *flags |= FLAG_OVERFLOW;
        if (how->masked & FLAG_OVERFLOW || !how->bias) {
            *flags |= FLAG_INEXACT;
            return overflowed(n, how, up);
        }
        result.exponent -= how->bias;
        if (result.exponent > how->highest) {
            *flags |= FLAG_INEXACT;
            *up = true;
            return number_infinite(n.negative);
        }
    }
    *flags |= inexact ? FLAG_INEXACT : 0;
    return result;
}

struct number number_to_integral(struct number n, unsigned mode, bool *inexact, bool *up)
{
    *inexact = *up = false;
    return n.kind == NUMBER_FINITE && n.exponent < 127 ? cut(n, n.exponent + 1, mode, inexact, up) : n;
}

bool number_to_integer(struct number n, unsigned mode, unsigned bits, int64_t *value, bool *inexact, bool *up)
{
    n = number_to_integral(n, mode, inexact, up);
    *value = 0;
    if (n.kind == NUMBER_ZERO)
        return true;
    int32_t limit = (int32_t)bits - 1;
    if (n.kind != NUMBER_FINITE || n.exponent > limit || (n.exponent == limit && !(n.negative && n.digits == TOP)))
        return false;
    uint64_t size = (uint64_t)(n.digits >> (127 - n.exponent));
    *value = (int64_t)(n.negative ? -size : size);
    return true;
}
