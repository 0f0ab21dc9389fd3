/* The x87's basic arithmetic and comparisons. */
#include "x87.h"

/* ST(target) = a operation b. */
static void calculate(struct cpu *cpu, unsigned target, enum number_operation operation, struct number a,
                      struct number b)
{
    struct number result;
    unsigned flags = 0;
    if (x87_nan_result(a, b, &result, &flags)) {
        if (x87_accepts(cpu, flags))
            x87_set(cpu, target, number_to80(result));
        return;
    }
    flags = number_operation_flags(operation, a, b);
    if (flags & FLAG_INVALID) {
        if (x87_accepts(cpu, flags))
            x87_set(cpu, target, number_to80(number_indefinite()));
        return;
    }
    if (!flags && (a.denormal || b.denormal))
        flags = FLAG_DENORMAL;
    if (x87_accepts(cpu, flags))
        x87_round_to(cpu, target, number_operate(operation, a, b, x87_mode(cpu) == MODE_DOWN), false);
}

/* Sums, products, quotients and roots of normal numbers, to nearest, of 64 bits, with all exceptions masked: most that there are. False:
 * it is another case, and nothing happened. Requires that no operand is an empty register. */

#define CONTROL_MODES 0xf3f
#define CONTROL_USUAL 0x33f
#define EXPONENT 0x7fff
#define SIGN 0x8000

static bool is_normal(struct extended n)
{
    return (n.exponent & EXPONENT) - 1u < EXPONENT - 1u && n.digits >> 63;
}

/* digits / 2^126 * 2^exponent, rounded; false where it is not normal then. */
static bool round_usual(struct cpu *cpu, wide digits, int32_t exponent, uint16_t sign, struct extended *to)
{
    uint64_t high = (uint64_t)(digits >> 64);
    unsigned shift = high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((uint64_t)digits);
    digits <<= shift;
    exponent += 1 - (int32_t)shift;
    uint64_t result = (uint64_t)(digits >> 64), rest = (uint64_t)digits, half = (uint64_t)1 << 63;
    bool up = rest > half || (rest == half && result & 1);
    if (up && !++result) {
        result = half;
        exponent++;
    }
    if (exponent < 1 || exponent >= EXPONENT)
        return false;
    x87_flag(cpu, rest ? FLAG_INEXACT : 0, up);
    to->digits = result;
    to->exponent = sign | (uint16_t)exponent;
    return true;
}

static bool add_usual(struct cpu *cpu, struct extended a, struct extended b, struct extended *to)
{
    if ((a.exponent & EXPONENT) < (b.exponent & EXPONENT) ||
        ((a.exponent & EXPONENT) == (b.exponent & EXPONENT) && a.digits < b.digits)) {
        struct extended larger = b;
        b = a;
        a = larger;
    }
    int32_t exponent = a.exponent & EXPONENT, distance = exponent - (b.exponent & EXPONENT);
    if (distance > 63)
        return false;
    wide large = (wide)a.digits << 63, small = (wide)b.digits << 63 >> distance;
    bool opposite = (a.exponent ^ b.exponent) & SIGN;
    wide digits = opposite ? large - small : large + small;
    return digits && round_usual(cpu, digits, exponent, a.exponent & SIGN, to);
}

/* high * 2^64 / by, where high < by. */
static inline uint64_t divided(uint64_t high, uint64_t low, uint64_t by, uint64_t *rest)
{
    uint64_t quotient;
    __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "r"(by) : "cc");
    return quotient;
}

static bool divide_usual(struct cpu *cpu, struct extended a, struct extended b, struct extended *to)
{
    int32_t exponent = (a.exponent & EXPONENT) - (b.exponent & EXPONENT) + NUMBER_BIAS - 2;
    uint64_t high = a.digits, low = 0, rest;
    if (high >= b.digits) {
        low = high << 63;
        high >>= 1;
        exponent++;
    }
    uint64_t first = divided(high, low, b.digits, &rest), second = divided(rest, 0, b.digits, &rest);
    wide digits = (wide)first << 64 | second | (rest != 0);
    return round_usual(cpu, digits, exponent, (a.exponent ^ b.exponent) & SIGN, to);
}

/* The root of 64 bits, by a step of Newton's from the host's, which has 53. */
static bool root_usual(struct cpu *cpu, struct extended n, struct extended *to)
{
    if ((cpu->control & CONTROL_MODES) != CONTROL_USUAL || !is_normal(n) || n.exponent & SIGN)
        return false;
    int32_t exponent = n.exponent - NUMBER_BIAS;
    bool odd = exponent & 1;
    wide square = (wide)n.digits << (odd ? 64 : 63);
    uint64_t high = (uint64_t)(square >> 64), rest;
    double near = __builtin_sqrt((double)high) * 4294967296.0;
    uint64_t root = near >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)near;
    if (high < root)
        root = (root >> 1) + (divided(high, (uint64_t)square, root, &rest) >> 1);
    while ((wide)root * root > square)
        root--;
    while (root != UINT64_MAX && (wide)(root + 1) * (root + 1) <= square)
        root++;
    wide left = square - (wide)root * root;
    bool up = left > root;
    x87_flag(cpu, left ? FLAG_INEXACT : 0, up);
    to->digits = root + up;
    to->exponent = (uint16_t)((exponent - odd) / 2 + NUMBER_BIAS);
    return true;
}

static bool calculate_usual(struct cpu *cpu, enum number_operation operation, struct extended a, struct extended b,
                            struct extended *to)
{
    int32_t exponent;
    if ((cpu->control & CONTROL_MODES) != CONTROL_USUAL || !is_normal(a) || !is_normal(b))
        return false;
    switch (operation) {
    case OPERATION_SUBTRACT:
        b.exponent ^= SIGN;
        __attribute__((fallthrough));
    case OPERATION_ADD:
        return add_usual(cpu, a, b, to);
    case OPERATION_MULTIPLY:
        exponent = (a.exponent & EXPONENT) + (b.exponent & EXPONENT) - NUMBER_BIAS;
        return round_usual(cpu, (wide)a.digits * b.digits, exponent, (a.exponent ^ b.exponent) & SIGN, to);
    default:
        return divide_usual(cpu, a, b, to);
    }
}

static struct number second_operand(const struct cpu *cpu)
{
    struct number n = number_from80(cpu->operand);
    n.denormal |= !!(cpu->operand.marks & MARK_DENORMAL);
    return n;
}

/* With the operand that an earlier call of the instruction put aside. */
static void with_operand(struct cpu *cpu, enum number_operation operation, bool reversed)
{
    struct extended *top = &cpu->x87[cpu->top], first = reversed ? cpu->operand : *top;
    if (!x87_is_empty(cpu, 0) && !cpu->operand.marks &&
        calculate_usual(cpu, operation, first, reversed ? *top : cpu->operand, top))
        return;
    struct number a = x87_number(cpu, 0), b = second_operand(cpu);
    if (x87_has(cpu, x87_is_empty(cpu, 0) || cpu->operand.marks & MARK_EMPTY, 0))
        calculate(cpu, 0, operation, reversed ? b : a, reversed ? a : b);
}

static void with_top(struct cpu *cpu, unsigned st, enum number_operation operation, bool reversed, uintptr_t caller)
{
    x87_begin(cpu, caller);
    struct extended *top = &cpu->x87[cpu->top], *target = &cpu->x87[x87_index(cpu, st)];
    if (!x87_is_empty(cpu, 0) && !x87_is_empty(cpu, st) &&
        calculate_usual(cpu, operation, reversed ? *top : *target, reversed ? *target : *top, target))
        return;
    struct number a = x87_number(cpu, st), b = x87_number(cpu, 0);
    if (x87_has(cpu, x87_is_empty(cpu, 0) || x87_is_empty(cpu, st), st))
        calculate(cpu, st, operation, reversed ? b : a, reversed ? a : b);
}

#define ARITHMETIC(name, operation, reversed) \
    REPLACEMENT(name##_ST0_FT0, void, (struct cpu *cpu)) \
    { \
        with_operand(cpu, operation, reversed); \
    } \
    REPLACEMENT(name##_STN_ST0, void, (struct cpu *cpu, int st)) \
    { \
        with_top(cpu, (unsigned)st, operation, reversed, CALLER); \
    }

ARITHMETIC(fadd, OPERATION_ADD, false)
ARITHMETIC(fmul, OPERATION_MULTIPLY, false)
ARITHMETIC(fsub, OPERATION_SUBTRACT, false)
ARITHMETIC(fsubr, OPERATION_SUBTRACT, true)
ARITHMETIC(fdiv, OPERATION_DIVIDE, false)
ARITHMETIC(fdivr, OPERATION_DIVIDE, true)

REPLACEMENT(fsqrt, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    struct extended *top = &cpu->x87[cpu->top];
    if (!x87_is_empty(cpu, 0) && root_usual(cpu, *top, top))
        return;
    struct number n = x87_number(cpu, 0), result;
    unsigned flags = 0;
    if (!x87_has(cpu, x87_is_empty(cpu, 0), 0))
        return;
    if (x87_nan_result(n, n, &result, &flags)) {
        if (x87_accepts(cpu, flags))
            x87_set(cpu, 0, number_to80(result));
    } else if (n.negative && n.kind != NUMBER_ZERO) {
        if (x87_accepts(cpu, FLAG_INVALID))
            x87_set(cpu, 0, number_to80(number_indefinite()));
    } else if (x87_accepts(cpu, n.denormal ? FLAG_DENORMAL : 0)) {
        x87_round_to(cpu, 0, n.kind == NUMBER_INFINITE ? n : number_square_root(n), false);
    }
}

static void set_sign(struct cpu *cpu, uint16_t keep, uint16_t change)
{
    x87_flag(cpu, 0, false);
    if (x87_has(cpu, x87_is_empty(cpu, 0), 0)) {
        uint16_t *exponent = &cpu->x87[cpu->top].exponent;
        *exponent = (*exponent & keep) ^ change;
    }
}

REPLACEMENT(fchs_ST0, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    set_sign(cpu, 0xffff, 0x8000);
}

REPLACEMENT(fabs_ST0, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    set_sign(cpu, 0x7fff, 0);
}

REPLACEMENT(fxam_ST0, void, (struct cpu *cpu))
{
    static const uint16_t classes[] = {
        [NUMBER_ZERO] = STATUS_C3,
        [NUMBER_FINITE] = STATUS_C2,
        [NUMBER_INFINITE] = STATUS_C2 | STATUS_C0,
        [NUMBER_QUIET] = STATUS_C0,
        [NUMBER_SIGNALING] = STATUS_C0,
        [NUMBER_UNSUPPORTED] = 0,
    };
    x87_begin(cpu, CALLER);
    struct number n = x87_number(cpu, 0);
    unsigned found = classes[n.kind] | (n.denormal ? STATUS_C3 : 0);
    if (x87_is_empty(cpu, 0))
        found = STATUS_C3 | STATUS_C0;
    x87_conditions(cpu, STATUS_CONDITIONS, found | (cpu->x87[cpu->top].exponent >> 15 ? STATUS_C1 : 0));
}

/* Comparisons. */

/* The condition bits C3, C2, C0 of ST(0) and the second operand, whether exceptions are masked or not. */
static unsigned compare(struct cpu *cpu, bool is_quiet)
{
    struct number a = x87_number(cpu, 0), b = second_operand(cpu), ignored;
    unsigned flags = 0;
    if (x87_is_empty(cpu, 0) || cpu->operand.marks & MARK_EMPTY) {
        x87_accepts_stack_fault(cpu, false);
        return STATUS_C3 | STATUS_C2 | STATUS_C0;
    }
    if (x87_nan_result(a, b, &ignored, &flags)) {
        x87_accepts(cpu, is_quiet ? flags : FLAG_INVALID);
        return STATUS_C3 | STATUS_C2 | STATUS_C0;
    }
    x87_accepts(cpu, a.denormal || b.denormal ? FLAG_DENORMAL : 0);
    int order = number_order(a, b);
    return order < 0 ? STATUS_C0 : order ? 0 : STATUS_C3;
}

static void compare_to_conditions(struct cpu *cpu, bool is_quiet)
{
    x87_conditions(cpu, STATUS_C3 | STATUS_C2 | STATUS_C0, compare(cpu, is_quiet));
}

/* ZF, PF and CF are C3, C2 and C0; the others are cleared. */
static void compare_to_flags(struct cpu *cpu, bool is_quiet)
{
    cpu->cc_source = compare(cpu, is_quiet) >> 8;
}

REPLACEMENT(fcom_ST0_FT0, void, (struct cpu *cpu))
{
    compare_to_conditions(cpu, false);
}

REPLACEMENT(fucom_ST0_FT0, void, (struct cpu *cpu))
{
    compare_to_conditions(cpu, true);
}

REPLACEMENT(fcomi_ST0_FT0, void, (struct cpu *cpu))
{
    compare_to_flags(cpu, false);
}

REPLACEMENT(fucomi_ST0_FT0, void, (struct cpu *cpu))
{
    compare_to_flags(cpu, true);
}
