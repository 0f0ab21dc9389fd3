/* The x87's transcendental functions. */
#include "series.h"
#include "x87.h"

#define LIMIT_ANGLE 63 /* sin and its like take angles below 2^63 */

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
        x87_set(cpu, 0, number_to80(n.negative ? number_negated(series_one) : n));
    } else if (n.kind == NUMBER_ZERO) {
        x87_flag(cpu, 0, false);
    } else if (x87_accepts(cpu, n.denormal ? FLAG_DENORMAL : 0)) {
        bool is_one = n.exponent == 0 && n.digits == series_one.digits;
        if (n.exponent < 0) {
            set_inexact(cpu, 0, series_exponential(number_multiply(n, series_log_of_2)));
            return;
        }
        /* What is beyond 1 stays; the manual leaves it open. All are flagged as inexact. */
        x87_set(cpu, 0, number_to80(is_one && n.negative ? number_scaled(n, -1) : n));
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
    series_sine_and_cosine(n, &sine, &cosine);
    set_inexact(cpu, 0, sine);
}

REPLACEMENT(fcos, void, (struct cpu *cpu))
{
    struct number n, sine, cosine;
    x87_begin(cpu, CALLER);
    if (!has_angle(cpu, &n))
        return;
    series_sine_and_cosine(n, &sine, &cosine);
    if (n.kind == NUMBER_ZERO)
        x87_set(cpu, 0, number_to80(series_one));
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
        x87_push(cpu, number_to80(series_one));
    } else {
        series_sine_and_cosine(n, &sine, &cosine);
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
        series_sine_and_cosine(n, &sine, &cosine);
        set_inexact(cpu, 0, number_divide(sine, cosine));
    }
    x87_push(cpu, number_to80(series_one));
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
        struct number result = series_logarithm(x, number_subtract(x, series_one));
        bool is_whole = x.digits == series_one.digits, is_finite = result.kind == NUMBER_FINITE;
        result.digits |= is_finite && !is_whole;
        multiply_logarithm(cpu, result, y, denormal);
        if (is_finite && y.kind == NUMBER_FINITE && !(cpu->operand.unused[0] & MARK_SKIP_POP))
            cpu->status |= FLAG_INEXACT | (x87_number(cpu, 1).denormal ? FLAG_UNDERFLOW : 0); /* if exact, too */
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
        if (x.kind == NUMBER_FINITE && x.negative && number_compare_sizes(x, series_one) >= 0) {
            set_invalid(cpu, 1);
            pop_unless_refused(cpu);
            return;
        }
        if (x.kind == NUMBER_FINITE) {
            result = series_logarithm(number_add(series_one, x, false), x);
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
    return number_multiply(series_quarter_pi, number_from_integer(eighths));
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
            angle = series_arc_tangent(up, across);
        if (is_plain && x.negative)
            angle = number_subtract(series_pi, angle);
        angle.negative = y.negative;
        set_inexact(cpu, 1, angle);
    }
    pop_unless_refused(cpu);
}
