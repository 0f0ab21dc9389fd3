/* The host's own arithmetic, where it cannot but give the same: numbers that are normal or zero, to nearest, and no
 * exception but inexact, which is masked and flagged already, or is ruled out. All else takes the slow way. */
#pragma once

#include "sse.h"

static inline bool is_plain64(uint64_t bits)
{
    return (bits >> 52 & 0x7ff) - 1 < 0x7fe || !(bits << 1);
}

#define INLINE inline __attribute__((always_inline)) /* the operation is a constant */

static INLINE bool fast64(const struct cpu *cpu, enum number_operation operation, uint64_t a, uint64_t b, uint64_t *result)
{
    union {
        uint64_t bits;
        double value;
    } x = {.bits = a}, y = {.bits = b}, z;
    if ((cpu->mxcsr & 0xffc0) != 0x1f80 || !is_plain64(a) || !is_plain64(b))
        return false;
    bool inexact_known = cpu->mxcsr & FLAG_INEXACT;
    double part;
    switch (operation) {
    case OPERATION_SUBTRACT:
        y.value = -y.value;
        __attribute__((fallthrough));
    case OPERATION_ADD:
        z.value = x.value + y.value;
        part = z.value - x.value; /* the sum is exact if nothing is left of either */
        if (!inexact_known && ((x.value - (z.value - part)) != 0 || (y.value - part) != 0))
            return false;
        break;
    case OPERATION_MULTIPLY:
        z.value = x.value * y.value;
        if (!(z.bits << 1) && (a << 1) && (b << 1))
            return false;
        if (!inexact_known && __builtin_ctzll(a | (uint64_t)1 << 52) + __builtin_ctzll(b | (uint64_t)1 << 52) < 53)
            return false;
        break;
    default:
        if (!inexact_known || !(a << 1) || !(b << 1))
            return false;
        z.value = x.value / y.value;
        if (!(z.bits << 1))
            return false;
    }
    if (!is_plain64(z.bits))
        return false;
    *result = z.bits; /* which may be where an operand is */
    return true;
}

static inline bool is_plain32(uint32_t bits)
{
    return (bits >> 23 & 0xff) - 1 < 0xfe || !(bits << 1);
}

static INLINE bool fast32(const struct cpu *cpu, enum number_operation operation, uint32_t a, uint32_t b, uint32_t *result)
{
    union {
        uint32_t bits;
        float value;
    } x = {.bits = a}, y = {.bits = b}, z;
    if ((cpu->mxcsr & 0xffe0) != 0x1fa0 || !is_plain32(a) || !is_plain32(b))
        return false;
    switch (operation) {
    case OPERATION_ADD:
        z.value = x.value + y.value;
        break;
    case OPERATION_SUBTRACT:
        z.value = x.value - y.value;
        break;
    case OPERATION_MULTIPLY:
        z.value = x.value * y.value;
        break;
    default:
        if (!(b << 1))
            return false;
        z.value = x.value / y.value;
    }
    bool is_exact_zero = operation < OPERATION_MULTIPLY || !(a << 1) || !(b << 1);
    if (!is_plain32(z.bits) || !(z.bits << 1 || is_exact_zero))
        return false;
    *result = z.bits;
    return true;
}

/* To nearest, all masked, inexact flagged, no DAZ and FTZ. */
static inline bool is_inexact_known(const struct cpu *cpu)
{
    return (cpu->mxcsr & 0xffe0) == 0x1fa0;
}

static inline double as_double(uint64_t bits)
{
    union {
        uint64_t bits;
        double value;
    } x = {.bits = bits};
    return x.value;
}

static inline uint64_t bits_of_double(double value)
{
    union {
        double value;
        uint64_t bits;
    } x = {.value = value};
    return x.bits;
}

static inline float as_float(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } x = {.bits = bits};
    return x.value;
}

static inline uint32_t bits_of_float(float value)
{
    union {
        float value;
        uint32_t bits;
    } x = {.value = value};
    return x.bits;
}

/* A lane, if it is normal or zero, as a double: exact. */
static inline bool fast_double(enum format format, const union xmm *from, unsigned lane, double *value)
{
    if (format == SINGLE ? !is_plain32(from->l[lane]) : !is_plain64(from->q[lane]))
        return false;
    *value = format == SINGLE ? (double)as_float(from->l[lane]) : as_double(from->q[lane]);
    return true;
}

static inline bool fast_root(const struct cpu *cpu, enum format format, const union xmm *from, unsigned lane,
                             union xmm *to)
{
    double value;
    if (!is_inexact_known(cpu) || !fast_double(format, from, lane, &value) || value < 0)
        return false;
    if (format == SINGLE)
        to->l[lane] = bits_of_float(__builtin_sqrtf((float)value));
    else
        to->q[lane] = bits_of_double(__builtin_sqrt(value));
    return true;
}
