/* What musl's functions give, and the exceptions that they flag: a line for each. The same program runs on Linux and as a
 * service, so a line that differs is the processor's. */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const double inputs[] = {0.5,      -0.5,   3.7,    -3.7,     0.0,  -0.0,   1.0,  700.25,   1e-5,
                                0x1p-1030, 1e300, 123456.789, -1e-300, INFINITY, NAN, 0.99999999999, 2.5, 8};
static const double others[] = {0.3, 2.0, -1.5, 1e10, 0x1p-1060, INFINITY};
#define COUNT(array) (sizeof array / sizeof *array)

static unsigned flags(void)
{
    return (unsigned)fetestexcept(FE_ALL_EXCEPT);
}

#define EACH_INPUT(name, type, format, call)                           \
    do {                                                               \
        printf("%s", name);                                            \
        for (unsigned i = 0; i < COUNT(inputs); i++) {                 \
            volatile type x = (type)inputs[i];                         \
            feclearexcept(FE_ALL_EXCEPT);                              \
            volatile type y = (call);                                  \
            unsigned flagged = flags();                                \
            printf(" " format ",%x", y, flagged);                      \
        }                                                              \
        putchar('\n');                                                 \
    } while (0)

#define EACH_PAIR(name, type, format, call)                            \
    do {                                                               \
        printf("%s", name);                                            \
        for (unsigned i = 0; i < COUNT(inputs); i++) {                 \
            for (unsigned j = 0; j < COUNT(others); j++) {             \
                volatile type x = (type)inputs[i], z = (type)others[j]; \
                feclearexcept(FE_ALL_EXCEPT);                          \
                volatile type y = (call);                              \
                unsigned flagged = flags();                            \
                printf(" " format ",%x", y, flagged);                  \
            }                                                          \
        }                                                              \
        putchar('\n');                                                 \
    } while (0)

#define ONE(function)                                                       \
    EACH_INPUT(#function, double, "%a", function(x));                       \
    EACH_INPUT(#function "f", float, "%a", function##f(x));                 \
    EACH_INPUT(#function "l", long double, "%La", function##l(x))
#define TWO(function)                                                       \
    EACH_PAIR(#function, double, "%a", function(x, z));                     \
    EACH_PAIR(#function "f", float, "%a", function##f(x, z));               \
    EACH_PAIR(#function "l", long double, "%La", function##l(x, z))
#define WHOLE(function)                                                     \
    EACH_INPUT(#function, double, "%a", (double)function(x));               \
    EACH_INPUT(#function "f", float, "%a", (float)function##f(x));          \
    EACH_INPUT(#function "l", long double, "%La", (long double)function##l(x))

static void all_functions(void)
{
    int part;
    ONE(acos); ONE(acosh); ONE(asin); ONE(asinh); ONE(atan); ONE(atanh); ONE(cbrt); ONE(ceil); ONE(cos); ONE(cosh);
    ONE(erf); ONE(erfc); ONE(exp); ONE(exp2); ONE(exp10); ONE(expm1); ONE(fabs); ONE(floor); ONE(lgamma); ONE(log);
    ONE(log10); ONE(log1p); ONE(log2); ONE(logb); ONE(nearbyint); ONE(rint); ONE(round); ONE(sin); ONE(sinh); ONE(sqrt);
    ONE(tan); ONE(tanh); ONE(tgamma); ONE(trunc);
    TWO(atan2); TWO(copysign); TWO(fdim); TWO(fmax); TWO(fmin); TWO(fmod); TWO(hypot); TWO(nextafter); TWO(pow);
    TWO(remainder);
    WHOLE(lrint); WHOLE(llrint); WHOLE(lround); WHOLE(llround); WHOLE(ilogb);
    EACH_INPUT("frexp", double, "%a", frexp(x, &part));
    EACH_INPUT("frexpl", long double, "%La", frexpl(x, &part));
    EACH_INPUT("ldexp", double, "%a", ldexp(x, -40));
    EACH_INPUT("ldexpl", long double, "%La", ldexpl(x, -16000));
    EACH_PAIR("fma", double, "%a", fma(x, z, 0.1));
    EACH_PAIR("fmal", long double, "%La", fmal(x, z, 0.1L));
    EACH_PAIR("remquo", double, "%a", remquo(x, z, &part));
    EACH_PAIR("remquol", long double, "%La", remquol(x, z, &part));
}

/* Rounding modes. */
static void all_modes(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static const char *const names[] = {"nearest", "down", "up", "zero"};
    for (unsigned mode = 0; mode < COUNT(modes); mode++) {
        char name[32];
        fesetround(modes[mode]);
        snprintf(name, sizeof name, "rint,%s", names[mode]);
        EACH_INPUT(name, double, "%a", rint(x));
        snprintf(name, sizeof name, "rint-extended,%s", names[mode]);
        EACH_INPUT(name, long double, "%La", rintl(x));
        snprintf(name, sizeof name, "third,%s", names[mode]);
        EACH_INPUT(name, double, "%a", x / 3);
        snprintf(name, sizeof name, "third-extended,%s", names[mode]);
        EACH_INPUT(name, long double, "%La", x / 3);
        snprintf(name, sizeof name, "narrowed,%s", names[mode]);
        EACH_INPUT(name, float, "%a", (float)((long double)x * 1.1L));
        snprintf(name, sizeof name, "lrint,%s", names[mode]);
        EACH_INPUT(name, double, "%a", (double)lrint(x));
    }
    fesetround(FE_TONEAREST);
}

static void texts(void)
{
    static const char *const numbers[] = {
        "0.1", "3.14159265358979323846264338327950288", "1e-320", "4.9e-324", "2.2250738585072011e-308", "1.7976931348623159e308",
        "9007199254740993", "0x1.fffffffffffff8p0", "6.9294956446009195e15", "1e23", "1e-4950", "3.6e-4951", "1.18973149535723176502e4932",
        "12345678901234567890123456789012345678901234567890", "0.5000000000000000000000000000000000000000000000000001",
        "1.00000000000000011102230246251565404236316680908203125", "1.00000000000000011102230246251565404236316680908203124",
    };
    for (unsigned i = 0; i < COUNT(numbers); i++) {
        long double wide = strtold(numbers[i], NULL);
        double narrow = strtod(numbers[i], NULL);
        printf("strtod,%u %a,0 %a,0\n", i, narrow, strtof(numbers[i], NULL));
        printf("strtold,%u %La,0\n", i, wide);
        printf("printf,%u %.20g,0 %.3f,0 %e,0\n", i, narrow, narrow < 1e30 ? narrow : 0, narrow);
        printf("printfl,%u %.25Lg,0 %.18Le,0 %Lg,0\n", i, wide, wide, wide);
    }
}

int main(void)
{
    static char buffer[1 << 18]; /* written at once: no line of another program comes between */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    all_functions();
    all_modes();
    texts();
    return 0;
}
