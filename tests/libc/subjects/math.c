/* Each function in three precisions; the last digits are left to the library. */
#define _GNU_SOURCE
#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <stddef.h>

#include "subject.h"

static const double points[] = {0.0, 0.5, -0.75, 1.0, 1.5, -2.25, 3.0, 10.125, 0.001, -30.5, 700.25};
#define POINTS (sizeof points / sizeof *points)

static double zeroed(double value)
{
    return fabs(value) < 1e-12 ? 0 : value != value ? NAN : value;
}

#define UNARY(name)                                                                         \
    static void subject_##name(void)                                                        \
    {                                                                                       \
        for (size_t i = 0; i < POINTS; i++)                                                 \
            note("%.12g %.5g %.12Lg;", fabs(zeroed(name(points[i]))), fabs((double)name##f((float)points[i])), \
                 fabsl((long double)name##l(points[i])));                                   \
    }
#define BINARY(name)                                                                        \
    static void subject_##name(void)                                                        \
    {                                                                                       \
        for (size_t i = 0; i + 1 < POINTS; i++)                                             \
            note("%.12g %.5g %.12Lg;", fabs(zeroed(name(points[i], points[i + 1]))),        \
                 fabs((double)name##f((float)points[i], (float)points[i + 1])),             \
                 fabsl((long double)name##l(points[i], points[i + 1])));                    \
    }
#define UNARIES(X)                                                                                                      \
    X(acos) X(acosh) X(asin) X(asinh) X(atan) X(atanh) X(cbrt) X(ceil) X(cos) X(cosh) X(erf) X(erfc) X(exp) X(exp2) X(expm1) \
    X(fabs) X(floor) X(lgamma) X(log) X(log10) X(log1p) X(log2) X(logb) X(nearbyint) X(rint) X(round) X(sin) X(sinh)     \
    X(sqrt) X(tan) X(tanh) X(tgamma) X(trunc) X(exp10) X(lrint) X(lround) X(llrint) X(llround) X(ilogb)
#define BINARIES(X) \
    X(atan2) X(copysign) X(fdim) X(fmax) X(fmin) X(fmod) X(hypot) X(nextafter) X(pow) X(remainder)

UNARIES(UNARY)
BINARIES(BINARY)

static void subject_fma(void)
{
    note("%a ", fma(0x1.0000000000001p0, 0x1.0000000000001p0, -1));
    note("%a ", (double)fmaf(1.00001f, 3, -3));
    note("%d ", fmal(2, 3, 4) == 10);
    note("%a", fma(0x1p-1074, 0x1p-1, 0x1p-1074));
}

static void subject_frexp(void)
{
    for (size_t i = 0; i < POINTS; i++) {
        int exponent;
        double whole, part = frexp(points[i], &exponent), rest = modf(points[i], &whole);
        note("%a %d %a %a;", part, exponent, rest, whole);
    }
    int quotient;
    note("%a ", remquo(29, 3, &quotient));
    note("%d ", quotient & 7);
    note("%a ", ldexp(0.75, -1074));
    note("%a ", scalbn(1, 1023));
    note("%a", scalbln(1.5, -3));
}

static void subject_special(void)
{
    const double values[] = {INFINITY, -INFINITY, NAN, -0.0, 0x1p-1074, 0x1.fffffffffffffp1023};
    for (size_t i = 0; i < 6; i++) {
        double x = values[i];
        note("%d", fpclassify(x) == FP_INFINITE);
        note("%d", isnan(x) != 0);
        note("%d", signbit(x) != 0);
        note("%d ", isnormal(x) != 0);
        note("%.8g ", zeroed(atan(x)));
        note("%.8g ", zeroed(exp(x)));
        note("%.8g ", fabs(sqrt(fabs(x))));
        note("%.8g;", zeroed(tanh(x)));
    }
}

static void subject_bessel(void)
{
    for (int i = 1; i < 6; i++)
    {
        note("%.10g ", j0(i));
        note("%.10g ", j1(i));
        note("%.10g ", y0(i));
        note("%.10g;", jn(3, i));
    }
}

static void subject_complex(void)
{
    double complex z = 1.5 - 0.5 * I, w = csqrt(z), e = cexp(z), p = cpow(z, w);
    note("%.10g ", creal(w));
    note("%.10g ", cimag(w));
    note("%.10g ", creal(e));
    note("%.10g ", cimag(e));
    note("%.10g ", creal(p));
    note("%.10g ", cimag(p));
    note("%.10g", cabs(z));
    note(" %.10g ", carg(z));
    note("%.10g", creal(catan(z)));
}

static void subject_rounding(void)
{
    const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    for (int i = 0; i < 4; i++) {
        fesetround(modes[i]);
        volatile double third = 1.0, three = 3.0;
        note("%a ", third / three);
        note("%a ", rint(2.5));
        note("%a ", nearbyint(-2.5));
        note("%ld;", lrint(1.5));
    }
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = 0, one = 1;
    one /= zero;
    note("%d ", fetestexcept(FE_DIVBYZERO) != 0);
    note("%d", fetestexcept(FE_INVALID) != 0);
    feclearexcept(FE_ALL_EXCEPT);
}

#define ENTRY(name) {#name, subject_##name},
const struct subject math_subjects[] = {
    UNARIES(ENTRY) BINARIES(ENTRY) ENTRY(fma) ENTRY(frexp) ENTRY(special) ENTRY(bessel) ENTRY(complex) ENTRY(rounding){0, 0}};
