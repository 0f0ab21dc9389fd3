/* SSE's arithmetic (Intel volume 1, chapter 11.5). */
#include "sse_fast.h"

#define BIAS 0x6000 /* any that is large: what is raised has flags as if exponents had no bounds, and no result */

struct rounding sse_rounding(const struct cpu *cpu, enum format format)
{
    static const struct rounding formats[] = {{FORMAT32}, {FORMAT64}};
    struct rounding how = formats[format];
    how.mode = (uint8_t)sse_mode(cpu);
    how.masked = (uint8_t)sse_masked(cpu);
    how.flush = cpu->mxcsr & MXCSR_FLUSH;
    how.bias = BIAS;
    return how;
}

struct number sse_unpack(const struct cpu *cpu, enum format format, const union xmm *from, unsigned lane)
{
    struct number n = format == SINGLE ? number_from32(from->l[lane]) : number_from64(from->q[lane]);
    return n.denormal && cpu->mxcsr & MXCSR_DAZ ? number_zero(n.negative) : n;
}

void sse_pack(enum format format, union xmm *to, unsigned lane, struct number n)
{
    if (format == SINGLE)
        to->l[lane] = number_to32(n);
    else
        to->q[lane] = number_to64(n);
}

void sse_flag(struct cpu *cpu, unsigned flags, uintptr_t caller)
{
    cpu->mxcsr |= flags;
    if (flags & ~sse_masked(cpu))
        unicorn_raise(cpu, cpu->control_registers[4] & CR4_OSXMMEXCPT ? VECTOR_SIMD : VECTOR_INVALID_OPCODE, caller);
}

bool sse_nan_result(struct number a, struct number b, struct number *result, unsigned *flags)
{
    if (!number_is_nan(a) && !number_is_nan(b))
        return false;
    *flags |= a.kind == NUMBER_SIGNALING || b.kind == NUMBER_SIGNALING ? FLAG_INVALID : 0;
    *result = number_quieted(number_is_nan(a) ? a : b);
    return true;
}

/* One operation. *before gets flags of the operands, *after those of the result. */
static struct number operate(const struct cpu *cpu, enum format format, enum number_operation operation,
                             struct number a, struct number b, unsigned *before, unsigned *after)
{
    struct number result;
    bool up;
    if (sse_nan_result(a, b, &result, before))
        return result;
    unsigned flags = number_operation_flags(operation, a, b);
    *before |= flags ? flags : sse_denormal_flag(a, b);
    if (flags & FLAG_INVALID)
        return number_indefinite();
    struct rounding how = sse_rounding(cpu, format);
    return number_round(number_operate(operation, a, b, how.mode == MODE_DOWN), &how, after, &up);
}

/* The flags of the results count only if the operands' exceptions are masked. */
static void finish(struct cpu *cpu, unsigned before, unsigned after, uintptr_t caller)
{
    sse_flag(cpu, before, caller);
    sse_flag(cpu, after, caller);
}

static void lane(struct cpu *cpu, enum format format, enum number_operation operation, const union xmm *a, unsigned i,
                 const union xmm *b, unsigned j, union xmm *result, unsigned k, unsigned *before, unsigned *after)
{
    if (format == SINGLE ? fast32(cpu, operation, a->l[i], b->l[j], &result->l[k])
                         : fast64(cpu, operation, a->q[i], b->q[j], &result->q[k]))
        return;
    struct number x = sse_unpack(cpu, format, a, i), y = sse_unpack(cpu, format, b, j);
    sse_pack(format, result, k, operate(cpu, format, operation, x, y, before, after));
}

static __attribute__((noinline)) void calculate(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, bool packed,
                      enum number_operation operation, uintptr_t caller)
{
    unsigned lanes = !packed ? 1 : format == SINGLE ? 4 : 2, before = 0, after = 0;
    union xmm result = *d;
    for (unsigned i = 0; i < lanes; i++)
        lane(cpu, format, operation, d, i, s, i, &result, i, &before, &after);
    if (before | after)
        finish(cpu, before, after, caller);
    *d = result;
}

static INLINE bool fast_scalar(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format,
                               enum number_operation operation)
{
    return format == SINGLE ? fast32(cpu, operation, d->l[0], s->l[0], &d->l[0])
                            : fast64(cpu, operation, d->q[0], s->q[0], &d->q[0]);
}

#define CALCULATION(name, format, packed, operation) \
    REPLACEMENT(name, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        if (packed || !fast_scalar(cpu, d, s, format, operation)) \
            calculate(cpu, d, s, format, packed, operation, CALLER); \
    }
#define CALCULATIONS(name, operation) \
    CALCULATION(name##ss, SINGLE, false, operation) \
    CALCULATION(name##ps, SINGLE, true, operation) \
    CALCULATION(name##sd, DOUBLE, false, operation) \
    CALCULATION(name##pd, DOUBLE, true, operation)

CALCULATIONS(add, OPERATION_ADD)
CALCULATIONS(sub, OPERATION_SUBTRACT)
CALCULATIONS(mul, OPERATION_MULTIPLY)
CALCULATIONS(div, OPERATION_DIVIDE)

/* Sums of neighbours: of the first operand's lanes, then of the second's. */
static void horizontal(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format,
                       enum number_operation operation, uintptr_t caller)
{
    unsigned half = format == SINGLE ? 2 : 1, before = 0, after = 0;
    union xmm result;
    for (unsigned i = 0; i < half; i++) {
        lane(cpu, format, operation, d, 2 * i, d, 2 * i + 1, &result, i, &before, &after);
        lane(cpu, format, operation, s, 2 * i, s, 2 * i + 1, &result, half + i, &before, &after);
    }
    finish(cpu, before, after, caller);
    *d = result;
}

REPLACEMENT(haddps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    horizontal(cpu, d, s, SINGLE, OPERATION_ADD, CALLER);
}

REPLACEMENT(haddpd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    horizontal(cpu, d, s, DOUBLE, OPERATION_ADD, CALLER);
}

REPLACEMENT(hsubps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    horizontal(cpu, d, s, SINGLE, OPERATION_SUBTRACT, CALLER);
}

REPLACEMENT(hsubpd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    horizontal(cpu, d, s, DOUBLE, OPERATION_SUBTRACT, CALLER);
}

static void add_and_subtract(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, uintptr_t caller)
{
    unsigned before = 0, after = 0;
    union xmm result;
    for (unsigned i = 0; i < (format == SINGLE ? 4 : 2); i++)
        lane(cpu, format, i & 1 ? OPERATION_ADD : OPERATION_SUBTRACT, d, i, s, i, &result, i, &before, &after);
    finish(cpu, before, after, caller);
    *d = result;
}

REPLACEMENT(addsubps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    add_and_subtract(cpu, d, s, SINGLE, CALLER);
}

REPLACEMENT(addsubpd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    add_and_subtract(cpu, d, s, DOUBLE, CALLER);
}

/* Products of the lanes that the upper half of the mask has, summed in pairs; to the lanes of the lower half. */
static void dot_product(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, uint32_t mask,
                        uintptr_t caller)
{
    unsigned lanes = format == SINGLE ? 4 : 2, before = 0, after = 0;
    union xmm terms = {0};
    for (unsigned i = 0; i < lanes; i++)
        if (mask >> (4 + i) & 1)
            lane(cpu, format, OPERATION_MULTIPLY, d, i, s, i, &terms, i, &before, &after);
    finish(cpu, before, after, caller);
    before = after = 0;
    for (unsigned i = 0; i < lanes; i += 2)
        lane(cpu, format, OPERATION_ADD, &terms, i, &terms, i + 1, &terms, i, &before, &after);
    finish(cpu, before, after, caller);
    before = after = 0;
    if (format == SINGLE)
        lane(cpu, format, OPERATION_ADD, &terms, 0, &terms, 2, &terms, 0, &before, &after);
    finish(cpu, before, after, caller);
    for (unsigned i = 0; i < lanes; i++) {
        if (format == SINGLE)
            d->l[i] = mask >> i & 1 ? terms.l[0] : 0;
        else
            d->q[i] = mask >> i & 1 ? terms.q[0] : 0;
    }
}

REPLACEMENT(dpps_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t mask))
{
    dot_product(cpu, d, s, SINGLE, mask, CALLER);
}

REPLACEMENT(dppd_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t mask))
{
    dot_product(cpu, d, s, DOUBLE, mask, CALLER);
}

static void square_root(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, bool packed,
                        uintptr_t caller)
{
    unsigned lanes = !packed ? 1 : format == SINGLE ? 4 : 2, before = 0, after = 0;
    struct rounding how = sse_rounding(cpu, format);
    union xmm results = *d;
    for (unsigned i = 0; i < lanes; i++) {
        if (fast_root(cpu, format, s, i, &results))
            continue;
        struct number n = sse_unpack(cpu, format, s, i), result = n;
        bool up;
        if (sse_nan_result(n, n, &result, &before)) {
        } else if (n.negative && n.kind != NUMBER_ZERO) {
            before |= FLAG_INVALID;
            result = number_indefinite();
        } else if (n.kind == NUMBER_FINITE) {
            before |= sse_denormal_flag(n, n);
            result = number_round(number_square_root(n), &how, &after, &up);
        }
        sse_pack(format, &results, i, result);
    }
    if (before | after)
        finish(cpu, before, after, caller);
    *d = results;
}

/* minimum and maximum: the second operand, unless the first is clearly better. */
static void choose(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, bool packed, int better,
                   uintptr_t caller)
{
    unsigned lanes = !packed ? 1 : format == SINGLE ? 4 : 2, before = 0;
    union xmm results = *d;
    for (unsigned i = 0; i < lanes; i++) {
        double x, y;
        if (fast_double(format, d, i, &x) && fast_double(format, s, i, &y)) {
            const union xmm *from = (better < 0 ? x < y : x > y) ? d : s;
            if (format == SINGLE)
                results.l[i] = from->l[i];
            else
                results.q[i] = from->q[i];
            continue;
        }
        struct number a = sse_unpack(cpu, format, d, i), b = sse_unpack(cpu, format, s, i);
        bool has_nan = number_is_nan(a) || number_is_nan(b);
        before |= has_nan ? FLAG_INVALID : sse_denormal_flag(a, b);
        bool take_first = !has_nan && number_order(a, b) == better;
        struct number taken = take_first ? a : b;
        const union xmm *from = take_first ? d : s;
        if (taken.kind == NUMBER_ZERO) /* it may be a denormal, with DAZ */
            sse_pack(format, &results, i, taken);
        else if (format == SINGLE)
            results.l[i] = from->l[i];
        else
            results.q[i] = from->q[i];
    }
    if (before)
        sse_flag(cpu, before, caller);
    *d = results;
}

#define EXTRA_sqrt
#define EXTRA_min -1,
#define EXTRA_max 1,
EACH_FORM(sqrt, square_root)
EACH_FORM(min, choose)
EACH_FORM(max, choose)
