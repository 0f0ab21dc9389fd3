#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

static void integers(void)
{
    const char *const texts[] = {"0", "-1", "0x1f", "077", "  +42x", "", "zz", "99999999999999999999", "-99999999999999999999",
                                 "0x", "9223372036854775807", "-9223372036854775808", "9223372036854775808"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end;
        errno = 0;
        long value = strtol(texts[i], &end, 0);
        note("%ld/%td/%d ", value, end - texts[i], errno == ERANGE);
        errno = 0;
        unsigned long other = strtoul(texts[i], 0, i % 2 ? 10 : 36);
        note("%lx/%d ", other, errno == ERANGE);
    }
    note("%" PRIdMAX " %lld", strtoimax("-123", 0, 4), strtoll("zz", 0, 36));
}

static const char *const reals[] = {"0", "-0", "1", "1e10", "1e-10", "0.1", "123456789.123456789", "1e308", "1e309", "-1e400", "5e-324",
                                    "2e-324", "1e-400", "0x1p-1074", "0x1.8p1", "inf", "-Infinity", "nan", "1e", ".5", "5.", ".",
                                    "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
                                    "2.2250738585072011e-308", "9007199254740993", "0.500000000000000166533453693773481063544750213623046875"};

static void doubles(void)
{
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        char *end;
        errno = 0;
        double value = strtod(reals[i], &end);
        note("%a/%td/%d ", value, end - reals[i], errno == ERANGE);
    }
}

static void floats(void)
{
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        errno = 0;
        note("%a/", (double)strtof(reals[i], 0));
        note("%d ", errno == ERANGE);
    }
}

static void long_doubles(void)
{
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        note("%.20Lg ", strtold(reals[i], 0));
}

static void divisions(void)
{
    unsigned long sum = 0, state = 88172645463325252;
    for (int i = 0; i < 2000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        unsigned long a = state, b = (state >> (i % 60)) | 1;
        unsigned __int128 wide = (unsigned __int128)a * b;
        sum = sum * 31 + a / b + a % b + (unsigned long)(wide / ((unsigned __int128)b + 3)) + (unsigned long)(long)(-(long)(a >> 1) / (long)(b >> 1 | 1));
    }
    note("%lx", sum);
}

static void randoms(void)
{
    srandom(1);
    long first = random(), second = random();
    srandom(1);
    note("%d ", random() == first && random() == second && first != second);
    char state[128];
    initstate(7, state, sizeof state);
    long own = random();
    setstate(state);
    srandom(7);
    note("%d ", random() == own);
    srand48(5);
    for (int i = 0; i < 4; i++)
    {
        note("%ld ", lrand48());
        note("%ld ", mrand48());
        note("%.12f ", drand48());
    }
    unsigned seed = 3;
    int one = rand_r(&seed);
    seed = 3;
    note("%d", rand_r(&seed) == one);
}

static void prints(void)
{
    char text[200];
    const char *const formats[] = {"%d", "%5d", "%-5d|", "%+d", "%05d", "%x", "%#x", "%o", "%#o", "%.3d", "%10.4d"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        snprintf(text, sizeof text, formats[i], 42);
        note("%s;", text);
    }
    const char *const real[] = {"%f", "%.0f", "%e", "%g", "%#g", "%a", "%.3a", "%10.2f", "%-10.2e|", "%+.1f", "% f", "%.15g", "%.40f", "%G"};
    const double values[] = {0, 1.5, 0.1, 1e10, 123456.789, 9.9999e-5, 1e100};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            snprintf(text, sizeof text, real[i], values[j]);
            note("%s;", text);
        }
}

static void printed_texts(void)
{
    char text[64], small[5];
    int count = -1;
    note("%d ", snprintf(small, sizeof small, "%s", "truncated"));
    note("%s ", small);
    snprintf(text, sizeof text, "%2$s %1$s%3$n", "b", "a", &count);
    note("%s %d ", text, count);
    note("%d ", snprintf(0, 0, "%*d|%-*d|%.*s", 5, 1, 5, 2, 2, "xyz"));
    snprintf(text, sizeof text, "%c%%%5.1s|%-4s|%p", 'x', "yz", "w", (void *)0 == 0 ? (void *)16 : 0);
    note("%s ", text);
    snprintf(text, sizeof text, "%hhd %hd %ld %lld %zd %jd %td", 300, 70000, 1L, 2LL, (size_t)3, (intmax_t)4, (ptrdiff_t)5);
    note("%s", text);
}

static void scans(void)
{
    int a = 0, b = 0, end = 0;
    char word[20] = "", set[20] = "";
    double real = 0;
    note("%d ", sscanf("12 abc 0x1f", "%d %19s %i%n", &a, word, &b, &end));
    note("%d %s %d %d ", a, word, b, end);
    note("%d ", sscanf("1.5e3,[xyz]", "%lf,[%[^]]", &real, set));
    note("%g %s ", real, set);
    note("%d ", sscanf("", "%d", &a));
    note("%d ", sscanf("x", "%d", &a));
    note("%d ", sscanf("  ", "%s", word));
    note("%d ", sscanf("7%", "%d%%", &a));
    note("%d ", sscanf("ab", "%c%c", word, word + 1));
    char *grown = 0;
    note("%d ", sscanf("allocated", "%ms", &grown));
    note("%s ", grown ? grown : "");
    free(grown);
    unsigned char tiny;
    long long wide;
    note("%d ", sscanf("300 -9223372036854775808", "%hhu %lld", &tiny, &wide));
    note("%d ", tiny);
    note("%lld ", wide);
    note("%d", sscanf("0x", "%x", &a));
}

const struct subject number_subjects[] = {
    {"strtol", integers}, {"strtod", doubles}, {"strtof", floats}, {"strtold", long_doubles}, {"udiv", divisions},
    {"random", randoms}, {"snprintf", prints}, {"printf-fmt-n", printed_texts}, {"sscanf", scans}, {0, 0}};
