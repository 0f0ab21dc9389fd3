/* Numbers of all floating-point formats, unpacked, and exact operations on them: integers only, so the result is the
 * same on every host. A result keeps 128 bits; what lies below is remembered in the lowest, so it rounds rightly. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef unsigned __int128 wide;

enum number_kind { NUMBER_ZERO, NUMBER_FINITE, NUMBER_INFINITE, NUMBER_QUIET, NUMBER_SIGNALING, NUMBER_UNSUPPORTED };

struct number {
    enum number_kind kind;
    bool negative;
    bool denormal;    /* it was unpacked from one */
    int32_t exponent; /* of a finite one, which is digits / 2^127 * 2^exponent */
    wide digits;      /* of a finite one: bit 127 is set. Of a NaN: its significand, from bit 127 down */
};

/* The bits of MXCSR and of the x87's status and control words. */
enum number_flags {
    FLAG_INVALID = 1,
    FLAG_DENORMAL = 2,
    FLAG_ZERO_DIVIDE = 4,
    FLAG_OVERFLOW = 8,
    FLAG_UNDERFLOW = 16,
    FLAG_INEXACT = 32,
    FLAGS_ALL = 63,
    FLAGS_BEFORE = FLAG_INVALID | FLAG_DENORMAL | FLAG_ZERO_DIVIDE /* found before anything is computed */
};

enum number_mode { MODE_NEAREST, MODE_DOWN, MODE_UP, MODE_TRUNCATE }; /* as both control words have it */

struct rounding {
    uint8_t precision; /* significant bits, 1 to 64 */
    uint8_t mode;      /* enum number_mode */
    uint8_t masked;    /* flags whose exceptions are masked */
    bool flush;        /* a tiny result becomes zero, if underflow is masked */
    int32_t lowest;    /* exponents of the smallest and the largest normal number */
    int32_t highest;
    int32_t bias; /* an unmasked overflow or underflow takes the exponent down or up so far; 0: it does not */
};

struct extended {
    uint64_t digits;
    uint16_t exponent; /* with the sign at its top */
    uint8_t marks;     /* where a processor has nothing: see x87.h */
    uint8_t unused[5];
};

#define NUMBER_BIAS 16383
#define FORMAT32 .precision = 24, .lowest = -126, .highest = 127
#define FORMAT64 .precision = 53, .lowest = -1022, .highest = 1023
#define FORMAT80 .precision = 64, .lowest = -16382, .highest = 16383

struct number number_from32(uint32_t bits);
struct number number_from64(uint64_t bits);
struct number number_from80(struct extended bits);
struct number number_from_integer(int64_t value);

/* digits / 2^127 * 2^exponent, whose top bits may be clear. */
struct number number_of_digits(bool negative, int32_t exponent, wide digits);

/* Require: the number is a zero, infinite, a quiet NaN, or what number_round made for that format. */
uint32_t number_to32(struct number n);
uint64_t number_to64(struct number n);
struct extended number_to80(struct number n);

/* The indefinite NaN. */
struct number number_indefinite(void);

static inline bool number_is_nan(struct number n)
{
    return n.kind == NUMBER_QUIET || n.kind == NUMBER_SIGNALING;
}

static inline struct number number_quieted(struct number n)
{
    n.kind = NUMBER_QUIET;
    n.digits |= (wide)1 << 126;
    return n;
}

static inline struct number number_negated(struct number n)
{
    n.negative = !n.negative;
    return n;
}

static inline struct number number_zero(bool negative)
{
    return (struct number){.kind = NUMBER_ZERO, .negative = negative};
}

static inline struct number number_infinite(bool negative)
{
    return (struct number){.kind = NUMBER_INFINITE, .negative = negative};
}

/* All of these require zeros or finite numbers. The sum of opposites is -0 if so asked, else +0. */
struct number number_add(struct number a, struct number b, bool zero_is_negative);
struct number number_multiply(struct number a, struct number b);
struct number number_divide(struct number a, struct number b);   /* b is not zero */
struct number number_square_root(struct number a);               /* not negative; of 64 significant bits */
int number_compare_sizes(struct number a, struct number b);      /* of the absolute values: -1, 0, 1 */

/* Round to a format. *flags gets what happened, *up whether the absolute value grew. */
struct number number_round(struct number n, const struct rounding *how, unsigned *flags, bool *up);

/* To the nearest integer in the sense of the mode; *inexact and *up as above. */
struct number number_to_integral(struct number n, unsigned mode, bool *inexact, bool *up);

/* The same, as a two's complement number of so many bits; false: it does not fit. */
bool number_to_integer(struct number n, unsigned mode, unsigned bits, int64_t *value, bool *inexact, bool *up);

enum number_operation { OPERATION_ADD, OPERATION_SUBTRACT, OPERATION_MULTIPLY, OPERATION_DIVIDE };

/* Of two operands that are no NaNs: FLAG_INVALID if it is not defined for them, or FLAG_ZERO_DIVIDE. */
unsigned number_operation_flags(enum number_operation operation, struct number a, struct number b);

/* Of two operands for which it is defined; zero_is_negative as for number_add. */
struct number number_operate(enum number_operation operation, struct number a, struct number b, bool zero_is_negative);

/* -1, 0, 1: a is less, equal, greater. Neither is a NaN. */
int number_order(struct number a, struct number b);

/* The difference of two that are not equal, or +0. */
static inline struct number number_subtract(struct number a, struct number b)
{
    return number_add(a, number_negated(b), false);
}

static inline struct number number_scaled(struct number n, int32_t exponent)
{
    n.exponent += exponent;
    return n;
}
