/* What SSE's instructions on floating-point numbers share: MXCSR's modes and flags, and #XM. */
#pragma once

#include "x87.h"

union xmm {
    uint32_t l[4];
    uint64_t q[2];
};

#define MXCSR_DAZ 0x40
#define MXCSR_FLUSH 0x8000

enum format { SINGLE, DOUBLE };

static inline unsigned sse_mode(const struct cpu *cpu)
{
    return cpu->mxcsr >> 13 & 3;
}

static inline unsigned sse_masked(const struct cpu *cpu)
{
    return cpu->mxcsr >> 7 & FLAGS_ALL;
}

/* Rounding by MXCSR. */
struct rounding sse_rounding(const struct cpu *cpu, enum format format);

/* With DAZ a denormal is zero. */
struct number sse_unpack(const struct cpu *cpu, enum format format, const union xmm *from, unsigned lane);
void sse_pack(enum format format, union xmm *to, unsigned lane, struct number n);

/* Set flags of MXCSR, and raise #XM if one is not masked: then it does not return. */
void sse_flag(struct cpu *cpu, unsigned flags, uintptr_t caller);

/* What a NaN among two operands gives, as for x87_nan_result, by SSE's rule: the first one. */
bool sse_nan_result(struct number a, struct number b, struct number *result, unsigned *flags);

static inline unsigned sse_denormal_flag(struct number a, struct number b)
{
    return a.denormal || b.denormal ? FLAG_DENORMAL : 0;
}

/* The four forms of an instruction: each calls a function, with EXTRA_<name> before the last argument. */
#define EACH_FORM(name, call) \
    REPLACEMENT(name##ss, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        call(cpu, d, s, SINGLE, false, EXTRA_##name CALLER); \
    } \
    REPLACEMENT(name##ps, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        call(cpu, d, s, SINGLE, true, EXTRA_##name CALLER); \
    } \
    REPLACEMENT(name##sd, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        call(cpu, d, s, DOUBLE, false, EXTRA_##name CALLER); \
    } \
    REPLACEMENT(name##pd, void, (struct cpu *cpu, union xmm *d, union xmm *s)) \
    { \
        call(cpu, d, s, DOUBLE, true, EXTRA_##name CALLER); \
    }
