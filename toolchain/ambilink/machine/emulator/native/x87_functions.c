/* The x87's transcendental functions: by series of 128-bit numbers, so the result is within one unit of the last place
 * of 64. Angles are reduced by a pi of 66 bits, as the manual says (Intel volume 1, 8.3.8). */
#include "x87.h"

#define LIMIT_ANGLE 63 /* sin and its like take angles below 2^63 */
#define LAST_TERM 80   /* terms that are so many bits smaller than the sum count no more */

#define CONSTANT(exponent, high, low) {NUMBER_FINITE, false, false, exponent, (wide)(high) << 64 | (low)}
static const struct number one = CONSTANT(0, 0x8000000000000000, 0);
static const struct number pi = CONSTANT(1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
static const struct number quarter_pi = CONSTANT(-1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
static const struct number log_of_2 = CONSTANT(-1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
static const struct number log2_of_e = CONSTANT(0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);
/* The pi of 66 bits, as a number of 2^-64 */
#define PI_LOW 0x243f6a8885a308d3
#define PI_HIGH 3

static struct number add(struct number a, struct number b)
{
    return number_add(a, b, false);
}

static struct number subtract(struct number a, struct number b)
{
    return number_add(a, number_negated(b), false);
}

static struct number scaled(struct number n, int32_t exponent)
{
    n.exponent += exponent;
    return n;
}

static struct number divided_by(struct number n, uint32_t by)
{
    return number_divide(n, number_from_integer(by));
}

static bool is_negligible(struct number term, struct number sum)
{
    return term.kind == NUMBER_ZERO || term.exponent < sum.exponent - LAST_TERM;
}

/* x + x^2 / 2! + x^3 / 3! + ... */
static struct number exponential_less_1(struct number x)
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
static struct number binary_logarithm(struct number whole, struct number fraction)
{
    int32_t exponent = 0;
    static const struct number root_half = CONSTANT(-1, 0xb504f333f9de6484, 0x597d89b3754abe9f);
    struct number low = root_half, high = scaled(root_half, 1);
    if (number_compare_sizes(whole, low) < 0 || number_compare_sizes(whole, high) > 0) {
        exponent = whole.exponent;
        whole.exponent = 0;
        if (number_compare_sizes(whole, high) > 0) {
            whole.exponent = -1;
            exponent++;
        }
        fraction = subtract(whole, one);
    }
    struct number sum = number_zero(false);
    if (fraction.kind != NUMBER_ZERO) {
        struct number part = number_divide(fraction, add(add(one, one), fraction));
        sum = number_multiply(scaled(arc(part, false), 1), log2_of_e);
    }
    return add(sum, number_from_integer(exponent));
}

/* The arc tangent of a / b, both positive or zero, and not both zero. */
static struct number arc_tangent(struct number a, struct number b)
{
    bool swapped = number_compare_sizes(a, b) > 0;
    struct number ratio = swapped ? number_divide(b, a) : number_divide(a, b), result;
    if (ratio.kind == NUMBER_ZERO)
        result = ratio;
    else if (ratio.exponent < -1) /* below a half */
        result = arc(ratio, true);
    else
        result = add(quarter_pi, arc(number_divide(subtract(ratio, one), add(ratio, one)), true));
    return swapped ? subtract(scaled(quarter_pi, 1), result) : result;
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
    struct number n = {NUMBER_FINITE, x.negative != over, false, 62, size};
    for (; !(n.digits >> 127); n.exponent--)
        n.digits <<= 1;
    return n;
}

static void sine_and_cosine(struct number x, struct number *sine, struct number *cosine)
{
    unsigned quadrant;
    struct number left = reduced(x, &quadrant);
    struct number s = circular(left, left, 2), c = circular(one, left, 1);
    struct number results[4] = {s, c, number_negated(s), number_negated(c)};
    *sine = results[quadrant];
    *cosine = results[(quadrant + 1) & 3];
}

/* A result that is never exact, though the series may end so. */
static void set_inexact(struct cpu *cpu, unsigned target, struct number n)
{
    if (n.kind == NUMBER_FINITE)
        n.digits |= 1;
    x87_round_to(cpu, target, n, true);
}

static void set_invalid(struct cpu *cpu, unsigned target)
{
    if (x87_accepts(cpu, FLAG_INVALID))
        x87_set(cpu, target, number_to80(number_indefinite()));
}

/* What functions of one register begin with. False: the result is there. */
static bool has_number(struct cpu *cpu, struct number *n)
{
    struct number result;
    unsigned flags = 0;
    *n = x87_number(cpu, 0);
    if (!x87_has(cpu, x87_is_empty(cpu, 0), 0))
        return false;
    if (!x87_nan_result(*n, *n, &result, &flags))
        return true;
    if (x87_accepts(cpu, flags))
        x87_set(cpu, 0, number_to80(result));
    return false;
}

REPLACEMENT(f2xm1, void, (struct cpu *cpu))
{
    struct number n;
    x87_begin(cpu, CALLER);
    if (!has_number(cpu, &n))
        return;
    if (n.kind == NUMBER_INFINITE) {
        x87_flag(cpu, 0, false);
        x87_set(cpu, 0, number_to80(n.negative ? number_negated(one) : n));
    } else if (n.kind == NUMBER_ZERO) {
        x87_flag(cpu, 0, false);
    } else if (x87_accepts(cpu, n.denormal ? FLAG_DENORMAL : 0)) {
        bool is_one = n.exponent == 0 && n.digits == one.digits;
        if (n.exponent < 0) {
            set_inexact(cpu, 0, exponential_less_1(number_multiply(n, log_of_2)));
            return;
        }
        /* What is beyond 1 stays; the manual leaves it open. All are flagged as inexact. */
        x87_set(cpu, 0, number_to80(is_one && n.negative ? scaled(n, -1) : n));
        x87_flag(cpu, FLAG_INEXACT, false);
    }
}

/* Angles: 2^63 and more are left as they are, with C2. */

static bool has_angle(struct cpu *cpu, struct number *n)
{
    x87_conditions(cpu, STATUS_C2 | STATUS_C1, 0);
    if (!has_number(cpu, n))
        return false;
    if (n->kind == NUMBER_INFINITE) {
        set_invalid(cpu, 0);
        return false;
    }
    if (n->kind == NUMBER_FINITE && n->exponent >= LIMIT_ANGLE) {
        x87_conditions(cpu, STATUS_C2, STATUS_C2);
        return false;
    }
    return x87_accepts(cpu, n->denormal ? FLAG_DENORMAL : 0);
}

REPLACEMENT(fsin, void, (struct cpu *cpu))
{
    struct number n, sine, cosine;
    x87_begin(cpu, CALLER);
    if (!has_angle(cpu, &n) || n.kind == NUMBER_ZERO)
        return;
    sine_and_cosine(n, &sine, &cosine);
    set_inexact(cpu, 0, sine);
}

REPLACEMENT(fcos, void, (struct cpu *cpu))
{
    struct number n, sine, cosine;
    x87_begin(cpu, CALLER);
    if (!has_angle(cpu, &n))
        return;
    sine_and_cosine(n, &sine, &cosine);
    if (n.kind == NUMBER_ZERO)
        x87_set(cpu, 0, number_to80(one));
    else
        set_inexact(cpu, 0, cosine);
}

/* fsincos and fptan push a second result. False: the stack is full, or too short. */
static bool has_room(struct cpu *cpu)
{
    if (!x87_is_empty(cpu, 0) && x87_is_empty(cpu, 7))
        return true;
    if (x87_accepts_stack_fault(cpu, !x87_is_empty(cpu, 0))) {
        x87_set(cpu, 0, number_to80(number_indefinite()));
        x87_push_unchecked(cpu, number_to80(number_indefinite()));
    }
    return false;
}

/* After has_angle said no: the second result is the first again, or nothing. */
static void push_again(struct cpu *cpu, struct number n)
{
    bool has_none = cpu->status & STATUS_C2 || cpu->operand.unused[0] & MARK_SKIP_POP;
    if (!has_none && (n.kind == NUMBER_INFINITE || number_is_nan(n) || n.kind == NUMBER_UNSUPPORTED))
        x87_push(cpu, cpu->x87[cpu->top]);
}

REPLACEMENT(fsincos, void, (struct cpu *cpu))
{
    struct number n, sine, cosine;
    x87_begin(cpu, CALLER);
    x87_conditions(cpu, STATUS_C2, 0);
    if (!has_room(cpu))
        return;
    if (!has_angle(cpu, &n)) {
        push_again(cpu, n);
    } else if (n.kind == NUMBER_ZERO) {
        x87_push(cpu, number_to80(one));
    } else {
        sine_and_cosine(n, &sine, &cosine);
        set_inexact(cpu, 0, sine);
        struct extended first = cpu->x87[cpu->top];
        set_inexact(cpu, 0, cosine);
        struct extended second = cpu->x87[cpu->top];
        x87_set(cpu, 0, first);
        x87_push(cpu, second);
    }
}

REPLACEMENT(fptan, void, (struct cpu *cpu))
{
    struct number n, sine, cosine;
    x87_begin(cpu, CALLER);
    x87_conditions(cpu, STATUS_C2, 0);
    if (!has_room(cpu))
        return;
    if (!has_angle(cpu, &n)) {
        push_again(cpu, n);
        return;
    }
    if (n.kind != NUMBER_ZERO) {
        sine_and_cosine(n, &sine, &cosine);
        set_inexact(cpu, 0, number_divide(sine, cosine));
    }
    x87_push(cpu, number_to80(one));
}

/* Functions of two registers replace ST(1), and pop. */

/* False: the result is there, or none may be. */
static bool has_pair(struct cpu *cpu, struct number *x, struct number *y)
{
    struct number result;
    unsigned flags = 0;
    *x = x87_number(cpu, 0);
    *y = x87_number(cpu, 1);
    if (!x87_has(cpu, x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1), 1))
        return false;
    if (!x87_nan_result(*x, *y, &result, &flags))
        return true;
    if (x87_accepts(cpu, flags))
        x87_set(cpu, 1, number_to80(result));
    return false;
}

static void pop_unless_refused(struct cpu *cpu)
{
    if (!(cpu->operand.unused[0] & MARK_SKIP_POP))
        x87_pop(cpu);
}

static void set_exact(struct cpu *cpu, struct number n, unsigned flags)
{
    if (x87_accepts(cpu, flags))
        x87_set(cpu, 1, number_to80(n));
}

/* ST(1) = y * log2(1 + x), where the logarithm is a number, or infinite, or zero. */
static void multiply_logarithm(struct cpu *cpu, struct number logarithm, struct number y, unsigned flags)
{
    bool negative = logarithm.negative != y.negative;
    bool zero = logarithm.kind == NUMBER_ZERO || y.kind == NUMBER_ZERO;
    bool infinite = logarithm.kind == NUMBER_INFINITE || y.kind == NUMBER_INFINITE;
    if (zero && infinite)
        set_invalid(cpu, 1);
    else if (zero || infinite)
        set_exact(cpu, zero ? number_zero(negative) : number_infinite(negative), flags);
    else if (x87_accepts(cpu, flags))
        x87_round_to(cpu, 1, number_multiply(logarithm, y), true);
}

static void logarithm(struct cpu *cpu, struct number x, struct number y)
{
    unsigned denormal = x.denormal || y.denormal ? FLAG_DENORMAL : 0;
    if (x.kind == NUMBER_ZERO) {
        bool defined = y.kind == NUMBER_FINITE;
        if (y.kind == NUMBER_ZERO)
            set_invalid(cpu, 1);
        else
            set_exact(cpu, number_infinite(!y.negative), defined ? FLAG_ZERO_DIVIDE : 0);
    } else if (x.negative) {
        set_invalid(cpu, 1);
    } else if (x.kind == NUMBER_INFINITE) {
        multiply_logarithm(cpu, x, y, denormal);
    } else {
        struct number result = binary_logarithm(x, subtract(x, one));
        if (result.kind == NUMBER_FINITE) /* a whole logarithm is flagged as inexact, too */
            result.digits |= 1;
        multiply_logarithm(cpu, result, y, denormal);
    }
}

REPLACEMENT(fyl2x, void, (struct cpu *cpu))
{
    struct number x, y;
    x87_begin(cpu, CALLER);
    if (has_pair(cpu, &x, &y))
        logarithm(cpu, x, y);
    pop_unless_refused(cpu);
}

REPLACEMENT(fyl2xp1, void, (struct cpu *cpu))
{
    struct number x, y;
    x87_begin(cpu, CALLER);
    if (has_pair(cpu, &x, &y)) {
        unsigned denormal = x.denormal || y.denormal ? FLAG_DENORMAL : 0;
        struct number result = x;
        if (x.kind == NUMBER_FINITE && x.negative && number_compare_sizes(x, one) >= 0) {
            set_invalid(cpu, 1);
            pop_unless_refused(cpu);
            return;
        }
        if (x.kind == NUMBER_FINITE) {
            result = binary_logarithm(add(one, x), x);
            result.digits |= result.kind == NUMBER_FINITE;
        }
        if (x.kind == NUMBER_INFINITE && x.negative)
            set_invalid(cpu, 1);
        else
            multiply_logarithm(cpu, result, y, denormal);
    }
    pop_unless_refused(cpu);
}

/* The angle of the point (x, y) with infinite or zero coordinates: a multiple of pi / 4. */
static struct number angle_of_special(struct number x, struct number y)
{
    unsigned eighths;
    if (y.kind == NUMBER_INFINITE)
        eighths = x.kind != NUMBER_INFINITE ? 2 : x.negative ? 3 : 1;
    else if (y.kind == NUMBER_ZERO || x.kind == NUMBER_INFINITE)
        eighths = x.negative ? 4 : 0;
    else
        eighths = 2;
    if (!eighths)
        return number_zero(false);
    return number_multiply(quarter_pi, number_from_integer(eighths));
}

REPLACEMENT(fpatan, void, (struct cpu *cpu))
{
    struct number x, y;
    x87_begin(cpu, CALLER);
    if (has_pair(cpu, &x, &y) && x87_accepts(cpu, x.denormal || y.denormal ? FLAG_DENORMAL : 0)) {
        bool is_plain = x.kind == NUMBER_FINITE && y.kind == NUMBER_FINITE;
        struct number angle, across = x, up = y;
        across.negative = up.negative = false;
        if (!is_plain)
            angle = angle_of_special(x, y);
        else
            angle = arc_tangent(up, across);
        if (is_plain && x.negative)
            angle = subtract(pi, angle);
        angle.negative = y.negative;
        set_inexact(cpu, 1, angle);
    }
    pop_unless_refused(cpu);
}
