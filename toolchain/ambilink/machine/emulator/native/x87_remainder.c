/* The x87's remainders, scaling, and rounding to integers. */
#include "x87.h"

/* What fprem and its like do first: two registers that hold numbers. False: the result is there. */
static bool has_two_numbers(struct cpu *cpu, struct number *a, struct number *b)
{
    struct number result;
    unsigned flags = 0;
    *a = x87_number(cpu, 0);
    *b = x87_number(cpu, 1);
    if (!x87_has(cpu, x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1), 0))
        return false;
    if (!x87_nan_result(*a, *b, &result, &flags))
        return true;
    if (x87_accepts(cpu, flags))
        x87_set(cpu, 0, number_to80(result));
    return false;
}

static void invalid(struct cpu *cpu)
{
    if (x87_accepts(cpu, FLAG_INVALID))
        x87_set(cpu, 0, number_to80(number_indefinite()));
}

/* What is left of a number when so many bits of the quotient are taken out: long division. */
static struct number divided(struct number a, struct number b, int32_t bits, uint64_t *quotient)
{
    wide rest = a.digits >> 64, by = b.digits >> 64;
    *quotient = 0;
    for (int32_t i = bits; i >= 0; i--) {
        *quotient <<= 1;
        if (rest >= by) {
            rest -= by;
            *quotient |= 1;
        }
        if (i)
            rest <<= 1;
    }
    return number_of_digits(a.negative, a.exponent - bits, rest << 64);
}

/* Round to the nearest: take b once more if more than half of it is left. */
static struct number nearest(struct number left, struct number b, uint64_t *quotient)
{
    struct number twice = left;
    twice.exponent++;
    int order = left.kind == NUMBER_ZERO ? -1 : number_compare_sizes(twice, b);
    if (order < 0 || (order == 0 && !(*quotient & 1)))
        return left;
    ++*quotient;
    b.negative = !left.negative;
    return number_add(left, b, left.negative);
}

/* C0, C3, C1 are the lowest bits of the quotient; C2: it is not done yet, and some bits were taken out. */
static void remainder(struct cpu *cpu, bool is_nearest)
{
    struct number a, b;
    x87_conditions(cpu, STATUS_CONDITIONS, 0);
    if (!has_two_numbers(cpu, &a, &b))
        return;
    if (a.kind == NUMBER_INFINITE || b.kind == NUMBER_ZERO) {
        invalid(cpu);
        return;
    }
    if (!x87_accepts(cpu, a.denormal || b.denormal ? FLAG_DENORMAL : 0))
        return;
    uint64_t quotient = 0;
    struct number left = a;
    int32_t distance = a.exponent - b.exponent;
    bool is_partial = false;
    if (a.kind == NUMBER_ZERO || b.kind == NUMBER_INFINITE) {
        distance = -2;
    } else if (distance >= 64) {
        is_partial = true;
        distance = 32 + distance % 32;
        /* As if the divisor were larger by what stays for later. */
        left = divided(a, b, distance, &quotient);
    } else if (distance >= 0) {
        left = divided(a, b, distance, &quotient);
    }
    if (is_nearest && !is_partial && distance >= -1)
        left = nearest(left, b, &quotient);
    x87_round_to(cpu, 0, left, true);
    if (is_partial)
        x87_conditions(cpu, STATUS_C2, STATUS_C2);
    else
        x87_conditions(cpu, STATUS_C0 | STATUS_C3 | STATUS_C1,
                       (unsigned)((quotient & 4) << 6 | (quotient & 2) << 13 | (quotient & 1) << 9));
}

REPLACEMENT(fprem, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    remainder(cpu, false);
}

REPLACEMENT(fprem1, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    remainder(cpu, true);
}

REPLACEMENT(frndint, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    struct number n = x87_number(cpu, 0), result;
    unsigned flags = 0;
    bool inexact, up;
    if (!x87_has(cpu, x87_is_empty(cpu, 0), 0))
        return;
    if (x87_nan_result(n, n, &result, &flags)) {
        if (x87_accepts(cpu, flags))
            x87_set(cpu, 0, number_to80(result));
    } else if (x87_accepts(cpu, n.denormal ? FLAG_DENORMAL : 0)) {
        result = number_to_integral(n, x87_mode(cpu), &inexact, &up);
        x87_flag(cpu, inexact ? FLAG_INEXACT : 0, up);
        x87_set(cpu, 0, number_to80(result));
    }
}

#define SCALE_LIMIT 0x10000 /* beyond every exponent */

REPLACEMENT(fscale, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    struct number a, b;
    int64_t scale;
    bool inexact, up;
    if (!has_two_numbers(cpu, &a, &b))
        return;
    bool is_infinite = b.kind == NUMBER_INFINITE;
    if (is_infinite && (b.negative ? a.kind == NUMBER_INFINITE : a.kind == NUMBER_ZERO)) {
        invalid(cpu);
        return;
    }
    if (!x87_accepts(cpu, a.denormal || b.denormal ? FLAG_DENORMAL : 0))
        return;
    if (is_infinite) {
        x87_set(cpu, 0, number_to80(b.negative ? number_zero(a.negative) : number_infinite(a.negative)));
        return;
    }
    if (!number_to_integer(b, MODE_TRUNCATE, 32, &scale, &inexact, &up))
        scale = b.negative ? -SCALE_LIMIT : SCALE_LIMIT;
    scale = scale > SCALE_LIMIT ? SCALE_LIMIT : scale < -SCALE_LIMIT ? -SCALE_LIMIT : scale;
    a.exponent += (int32_t)scale;
    x87_round_to(cpu, 0, a, true);
}

REPLACEMENT(fxtract, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    struct number n = x87_number(cpu, 0), exponent, result;
    unsigned flags = 0;
    if (x87_is_empty(cpu, 0) || !x87_is_empty(cpu, 7)) {
        if (x87_accepts_stack_fault(cpu, !x87_is_empty(cpu, 0))) {
            x87_set(cpu, 0, number_to80(number_indefinite()));
            x87_push_unchecked(cpu, number_to80(number_indefinite()));
        }
        return;
    }
    if (x87_nan_result(n, n, &result, &flags)) {
        n = exponent = result;
    } else if (n.kind == NUMBER_ZERO) {
        exponent = number_infinite(true);
        flags = FLAG_ZERO_DIVIDE;
    } else if (n.kind == NUMBER_INFINITE) {
        exponent = number_infinite(false);
    } else {
        exponent = number_from_integer(n.exponent);
        flags = n.denormal ? FLAG_DENORMAL : 0;
        n.exponent = 0;
    }
    if (x87_accepts(cpu, flags)) {
        x87_set(cpu, 0, number_to80(exponent));
        x87_push(cpu, number_to80(n));
    }
}
