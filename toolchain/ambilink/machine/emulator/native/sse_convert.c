/* SSE's conversions, rounding to integers, approximations, and MXCSR. */
#include "sse_fast.h"

#define MXCSR_USED 0xffff

REPLACEMENT(ldmxcsr, void, (struct cpu *cpu, uint32_t value))
{
    if (value & ~(uint32_t)MXCSR_USED)
        unicorn_raise_protection(cpu, CALLER);
    cpu->mxcsr = value;
}

static bool fast_conversion(const struct cpu *cpu, enum format from, const union xmm *s, unsigned lane, union xmm *to)
{
    double value;
    if (!fast_double(from, s, lane, &value))
        return false;
    if (from == SINGLE) {
        to->q[lane] = bits_of_double(value);
        return true;
    }
    uint32_t narrow = bits_of_float((float)value);
    if (!is_inexact_known(cpu) || !is_plain32(narrow) || (!(narrow << 1) && value != 0))
        return false;
    to->l[lane] = narrow;
    return true;
}

/* Between the two formats. */
static void convert(struct cpu *cpu, union xmm *d, const union xmm *s, enum format from, unsigned lanes,
                    uintptr_t caller)
{
    enum format to = from == SINGLE ? DOUBLE : SINGLE;
    struct rounding how = sse_rounding(cpu, to);
    unsigned before = 0, after = 0;
    union xmm results = lanes == 1 ? *d : (union xmm){0};
    for (unsigned i = 0; i < lanes; i++) {
        if (fast_conversion(cpu, from, s, i, &results))
            continue;
        struct number n = sse_unpack(cpu, from, s, i);
        bool up;
        if (!sse_nan_result(n, n, &n, &before)) {
            before |= n.denormal ? FLAG_DENORMAL : 0;
            n = number_round(n, &how, &after, &up);
        }
        sse_pack(to, &results, i, n);
    }
    if (before | after) {
        sse_flag(cpu, before, caller);
        sse_flag(cpu, after, caller);
    }
    *d = results;
}

REPLACEMENT(cvtss2sd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    convert(cpu, d, s, SINGLE, 1, CALLER);
}

REPLACEMENT(cvtsd2ss, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    convert(cpu, d, s, DOUBLE, 1, CALLER);
}

REPLACEMENT(cvtps2pd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    convert(cpu, d, s, SINGLE, 2, CALLER);
}

REPLACEMENT(cvtpd2ps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    convert(cpu, d, s, DOUBLE, 2, CALLER);
}

/* From integers. */

static void from_integer(struct cpu *cpu, union xmm *d, enum format to, unsigned lane, int64_t value, unsigned *flags)
{
    int32_t narrow = (int32_t)value;
    if (to == DOUBLE && narrow == value) { /* exact */
        d->q[lane] = bits_of_double(narrow);
        return;
    }
    struct rounding how = sse_rounding(cpu, to);
    bool up;
    sse_pack(to, d, lane, number_round(number_from_integer(value), &how, flags, &up));
}

static void from_integers(struct cpu *cpu, union xmm *d, const union xmm *s, enum format to, unsigned lanes,
                          uintptr_t caller)
{
    unsigned flags = 0;
    union xmm results = *d;
    for (unsigned i = 0; i < lanes; i++)
        from_integer(cpu, &results, to, i, (int32_t)s->l[i], &flags);
    sse_flag(cpu, flags, caller);
    *d = results;
}

REPLACEMENT(cvtdq2ps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    from_integers(cpu, d, s, SINGLE, 4, CALLER);
}

REPLACEMENT(cvtdq2pd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    from_integers(cpu, d, s, DOUBLE, 2, CALLER);
}

REPLACEMENT(cvtpi2ps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    from_integers(cpu, d, s, SINGLE, 2, CALLER);
}

REPLACEMENT(cvtpi2pd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    from_integers(cpu, d, s, DOUBLE, 2, CALLER);
}

static void from_register(struct cpu *cpu, union xmm *d, enum format to, int64_t value, uintptr_t caller)
{
    unsigned flags = 0;
    union xmm results = *d;
    from_integer(cpu, &results, to, 0, value, &flags);
    if (flags)
        sse_flag(cpu, flags, caller);
    *d = results;
}

REPLACEMENT(cvtsi2ss, void, (struct cpu *cpu, union xmm *d, uint32_t value))
{
    from_register(cpu, d, SINGLE, (int32_t)value, CALLER);
}

REPLACEMENT(cvtsi2sd, void, (struct cpu *cpu, union xmm *d, uint32_t value))
{
    from_register(cpu, d, DOUBLE, (int32_t)value, CALLER);
}

REPLACEMENT(cvtsq2ss, void, (struct cpu *cpu, union xmm *d, uint64_t value))
{
    from_register(cpu, d, SINGLE, (int64_t)value, CALLER);
}

REPLACEMENT(cvtsq2sd, void, (struct cpu *cpu, union xmm *d, uint64_t value))
{
    from_register(cpu, d, DOUBLE, (int64_t)value, CALLER);
}

/* To integers. What does not fit is invalid, and gives the indefinite integer. */

/* Inexact counts only if what is invalid is masked. */
static void flag(struct cpu *cpu, unsigned flags, uintptr_t caller)
{
    sse_flag(cpu, flags & ~(unsigned)FLAG_INEXACT, caller);
    sse_flag(cpu, flags & FLAG_INEXACT, caller);
}

static int64_t to_integer(const struct cpu *cpu, const union xmm *s, enum format from, unsigned lane, unsigned bits,
                          unsigned mode, unsigned *flags)
{
    int64_t value;
    bool inexact, up;
    double plain;
    if (fast_double(from, s, lane, &plain) && plain > -0x1p31 && plain < 0x1p31) {
        value = (int64_t)plain;
        if ((double)value == plain || (mode == MODE_TRUNCATE && cpu->mxcsr & FLAG_INEXACT && is_inexact_known(cpu)))
            return value;
    }
    if (number_to_integer(sse_unpack(cpu, from, s, lane), mode, bits, &value, &inexact, &up)) {
        *flags |= inexact ? FLAG_INEXACT : 0;
        return value;
    }
    *flags |= FLAG_INVALID;
    return (int64_t)((uint64_t)-1 << (bits - 1));
}

/* Of so many bytes of the destination what the lanes do not fill becomes zero. */
static void to_integers(struct cpu *cpu, union xmm *d, const union xmm *s, enum format from, unsigned lanes,
                        unsigned words, unsigned mode, uintptr_t caller)
{
    unsigned flags = 0;
    uint32_t results[4] = {0};
    for (unsigned i = 0; i < lanes; i++)
        results[i] = (uint32_t)to_integer(cpu, s, from, i, 32, mode, &flags);
    flag(cpu, flags, caller);
    for (unsigned i = 0; i < words; i++)
        d->l[i] = results[i];
}

#define TO_INTEGERS(name, from, lanes, words, mode) \
    REPLACEMENT(name, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        to_integers(cpu, d, s, from, lanes, words, mode, CALLER); \
    }

TO_INTEGERS(cvtps2dq, SINGLE, 4, 4, sse_mode(cpu))
TO_INTEGERS(cvttps2dq, SINGLE, 4, 4, MODE_TRUNCATE)
TO_INTEGERS(cvtpd2dq, DOUBLE, 2, 4, sse_mode(cpu))
TO_INTEGERS(cvttpd2dq, DOUBLE, 2, 4, MODE_TRUNCATE)
TO_INTEGERS(cvtps2pi, SINGLE, 2, 2, sse_mode(cpu))
TO_INTEGERS(cvttps2pi, SINGLE, 2, 2, MODE_TRUNCATE)
TO_INTEGERS(cvtpd2pi, DOUBLE, 2, 2, sse_mode(cpu))
TO_INTEGERS(cvttpd2pi, DOUBLE, 2, 2, MODE_TRUNCATE)

static int64_t to_register(struct cpu *cpu, const union xmm *s, enum format from, unsigned bits, unsigned mode,
                           uintptr_t caller)
{
    unsigned flags = 0;
    int64_t value = to_integer(cpu, s, from, 0, bits, mode, &flags);
    if (flags)
        sse_flag(cpu, flags, caller);
    return value;
}

#define TO_REGISTER(name, type, from, mode) \
    REPLACEMENT(name, type, (struct cpu *cpu, union xmm *s)) \
    { \
        return (type)to_register(cpu, s, from, 8 * sizeof(type), mode, CALLER); \
    }

TO_REGISTER(cvtss2si, int32_t, SINGLE, sse_mode(cpu))
TO_REGISTER(cvttss2si, int32_t, SINGLE, MODE_TRUNCATE)
TO_REGISTER(cvtsd2si, int32_t, DOUBLE, sse_mode(cpu))
TO_REGISTER(cvttsd2si, int32_t, DOUBLE, MODE_TRUNCATE)
TO_REGISTER(cvtss2sq, int64_t, SINGLE, sse_mode(cpu))
TO_REGISTER(cvttss2sq, int64_t, SINGLE, MODE_TRUNCATE)
TO_REGISTER(cvtsd2sq, int64_t, DOUBLE, sse_mode(cpu))
TO_REGISTER(cvttsd2sq, int64_t, DOUBLE, MODE_TRUNCATE)

/* To integral values. Bit 2 of the immediate byte: by MXCSR's mode; bit 3: inexact is not flagged. */
static void round_lanes(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, unsigned lanes,
                        uint32_t how, uintptr_t caller)
{
    unsigned flags = 0, mode = how & 4 ? sse_mode(cpu) : how & 3;
    union xmm results = *d;
    for (unsigned i = 0; i < lanes; i++) {
        struct number n = sse_unpack(cpu, format, s, i);
        bool inexact = false, up;
        if (!sse_nan_result(n, n, &n, &flags))
            n = number_to_integral(n, mode, &inexact, &up);
        flags |= inexact && !(how & 8) ? FLAG_INEXACT : 0;
        sse_pack(format, &results, i, n);
    }
    flag(cpu, flags, caller);
    *d = results;
}

#define ROUND(name, format, lanes) \
    REPLACEMENT(name, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t how)) \
    { \
        round_lanes(cpu, d, s, format, lanes, how, CALLER); \
    }

ROUND(roundss_xmm, SINGLE, 1)
ROUND(roundps_xmm, SINGLE, 4)
ROUND(roundsd_xmm, DOUBLE, 1)
ROUND(roundpd_xmm, DOUBLE, 2)

/* 1/x and 1/sqrt(x), which the manual wants within 1.5 * 2^-12: to the nearest number. They flag nothing, take a
 * denormal for zero, and give zero for what is tiny. */
static void approximate(union xmm *d, const union xmm *s, unsigned lanes, bool of_root)
{
    static const struct rounding how = {FORMAT32, .mode = MODE_NEAREST, .masked = FLAGS_ALL, .flush = true};
    const struct number one = number_from_integer(1);
    union xmm results = *d;
    unsigned ignored = 0;
    bool up;
    for (unsigned i = 0; i < lanes; i++) {
        struct number n = number_from32(s->l[i]), result;
        bool is_zero = n.kind == NUMBER_ZERO || n.denormal;
        if (sse_nan_result(n, n, &result, &ignored)) {
        } else if (is_zero) {
            result = number_infinite(n.negative);
        } else if (of_root && n.negative) {
            result = number_indefinite();
        } else if (n.kind == NUMBER_INFINITE) {
            result = number_zero(n.negative);
        } else {
            result = number_round(number_divide(one, of_root ? number_square_root(n) : n), &how, &ignored, &up);
        }
        results.l[i] = number_to32(result);
    }
    *d = results;
}

REPLACEMENT(rcpss, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    (void)cpu;
    approximate(d, s, 1, false);
}

REPLACEMENT(rcpps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    (void)cpu;
    approximate(d, s, 4, false);
}

REPLACEMENT(rsqrtss, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    (void)cpu;
    approximate(d, s, 1, true);
}

REPLACEMENT(rsqrtps, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    (void)cpu;
    approximate(d, s, 4, true);
}
