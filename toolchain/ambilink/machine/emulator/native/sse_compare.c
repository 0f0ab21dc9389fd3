/* SSE's comparisons. */
#include "sse_fast.h"

/* Comparisons: what of less, equal, greater, unordered is true, and whether a quiet NaN is invalid. */
#define LESS 1
#define EQUAL 2
#define GREATER 4
#define UNORDERED 8
#define SIGNALS 16

static unsigned relation(const struct cpu *cpu, enum format format, const union xmm *first, const union xmm *second,
                         unsigned lane, bool signals, unsigned *flags)
{
    double x, y;
    if (fast_double(format, first, lane, &x) && fast_double(format, second, lane, &y))
        return x < y ? LESS : x > y ? GREATER : EQUAL;
    struct number a = sse_unpack(cpu, format, first, lane), b = sse_unpack(cpu, format, second, lane);
    struct number ignored;
    unsigned found = 0;
    if (sse_nan_result(a, b, &ignored, &found)) {
        *flags |= signals ? FLAG_INVALID : found;
        return UNORDERED;
    }
    *flags |= sse_denormal_flag(a, b);
    int order = number_order(a, b);
    return order < 0 ? LESS : order ? GREATER : EQUAL;
}

static void compare(struct cpu *cpu, union xmm *d, const union xmm *s, enum format format, bool packed, unsigned wanted,
                    uintptr_t caller)
{
    unsigned lanes = !packed ? 1 : format == SINGLE ? 4 : 2, before = 0;
    union xmm results = *d;
    for (unsigned i = 0; i < lanes; i++) {
        uint64_t found = relation(cpu, format, d, s, i, wanted & SIGNALS, &before) & wanted ? ~(uint64_t)0 : 0;
        if (format == SINGLE)
            results.l[i] = (uint32_t)found;
        else
            results.q[i] = found;
    }
    if (before)
        sse_flag(cpu, before, caller);
    *d = results;
}

#define EXTRA_cmpeq EQUAL,
#define EXTRA_cmplt LESS | SIGNALS,
#define EXTRA_cmple LESS | EQUAL | SIGNALS,
#define EXTRA_cmpunord UNORDERED,
#define EXTRA_cmpneq LESS | GREATER | UNORDERED,
#define EXTRA_cmpnlt EQUAL | GREATER | UNORDERED | SIGNALS,
#define EXTRA_cmpnle GREATER | UNORDERED | SIGNALS,
#define EXTRA_cmpord LESS | EQUAL | GREATER,
EACH_FORM(cmpeq, compare)
EACH_FORM(cmplt, compare)
EACH_FORM(cmple, compare)
EACH_FORM(cmpunord, compare)
EACH_FORM(cmpneq, compare)
EACH_FORM(cmpnlt, compare)
EACH_FORM(cmpnle, compare)
EACH_FORM(cmpord, compare)

/* ZF, PF, CF; the other flags are cleared. */
static void compare_to_flags(struct cpu *cpu, const union xmm *d, const union xmm *s, enum format format, bool signals,
                             uintptr_t caller)
{
    static const uint8_t found[] = {[LESS] = 0x01, [EQUAL] = 0x40, [GREATER] = 0, [UNORDERED] = 0x45};
    unsigned flags = 0;
    unsigned relations = relation(cpu, format, d, s, 0, signals, &flags);
    if (flags)
        sse_flag(cpu, flags, caller);
    cpu->cc_source = found[relations];
}

REPLACEMENT(ucomiss, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    compare_to_flags(cpu, d, s, SINGLE, false, CALLER);
}

REPLACEMENT(comiss, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    compare_to_flags(cpu, d, s, SINGLE, true, CALLER);
}

REPLACEMENT(ucomisd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    compare_to_flags(cpu, d, s, DOUBLE, false, CALLER);
}

REPLACEMENT(comisd, void, (struct cpu *cpu, union xmm *d, union xmm *s))
{
    compare_to_flags(cpu, d, s, DOUBLE, true, CALLER);
}
