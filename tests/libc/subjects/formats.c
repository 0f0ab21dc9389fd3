/* What is printed and scanned, at the edges. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "subject.h"

static int prints(const char *expected, const char *format, double value)
{
    char text[400];
    const int size = snprintf(text, sizeof text, format, value);
    return size == (int)strlen(expected) && !strcmp(text, expected);
}

static void rounded_g(void)
{
    HOLDS(prints("1e+01", "%.1g", 9.5));
    HOLDS(prints("1e+01", "%.1g", 9.9));
    HOLDS(prints("1e+05", "%.0g", 99999));
    HOLDS(prints("1e+05", "%.4g", 99999));
    HOLDS(prints("1e+02", "%.2g", 99.9));
    HOLDS(prints("0.0001", "%.3g", 0.00009999999));
    HOLDS(prints("0.001", "%g", 0.00099999999));
    HOLDS(prints("1e-05", "%g", 0.0000099999999));
    HOLDS(prints("999999", "%g", 999999.4));
    HOLDS(prints("1e+06", "%g", 999999.5));
    HOLDS(prints("1.00000e+06", "%#g", 999999.5));
    HOLDS(prints("10", "%.2g", 9.99));
    HOLDS(prints("1.0e+02", "%#.2g", 99.9));
    HOLDS(prints("0", "%.0f", 0.5));
    HOLDS(prints("2", "%.0f", 1.5));
    HOLDS(prints("2", "%.0f", 2.5));
    HOLDS(prints("1.2", "%.1f", 1.25));
    HOLDS(prints("1.4", "%.1f", 1.35));
}

static void zeros_of_g(void)
{
    HOLDS(prints("0", "%g", 0));
    HOLDS(prints("-0", "%g", -0.0));
    HOLDS(prints("0.00000", "%#g", 0));
    HOLDS(prints("0.", "%#.1g", 0));
    HOLDS(prints("0.", "%#.0g", 0));
    HOLDS(prints("0.0", "%#.2g", 0));
    HOLDS(prints("1000", "%g", 1000));
    HOLDS(prints("1e+09", "%g", 1000000000));
    HOLDS(prints("1000000000", "%.10g", 1000000000));
    HOLDS(prints("100000000000000000000", "%.50g", 1e20));
    HOLDS(prints("123456", "%.7g", 123456));
    HOLDS(prints("1.00000000000000000000e+00", "%.20e", 1));
    HOLDS(prints("0.100", "%#.3g", 0.1));
}

static void huge_precision(void)
{
    char text[32] = "";
    HOLDS(snprintf(text, 1, "%.40000f", 1.0) == 40002);
    HOLDS(!*text);
    HOLDS(snprintf(text, 2, "%.45000g", 1e-9) > 0 && *text == '1');
    HOLDS(snprintf(0, 0, "%.4000e", 1e-300) == 4007);
    HOLDS(snprintf(text, 5, "%.9d", 7) == 9 && !strcmp(text, "0000"));
    HOLDS(snprintf(text, sizeof text, "%.0f", 1e9) == 10 && !strcmp(text, "1000000000"));
    HOLDS(snprintf(text, sizeof text, "%.0f", 999999999.5) == 10 && !strcmp(text, "1000000000"));
    HOLDS(snprintf(text, sizeof text, "%.1f", 1e9) == 12 && !strcmp(text, "1000000000.0"));
    HOLDS(snprintf(text, sizeof text, "%.8f", 0.999999999) == 10 && !strcmp(text, "1.00000000"));
}

static void limits(void)
{
    char text[80];
    errno = 0;
    HOLDS(snprintf(text, sizeof text, "%lld", LLONG_MIN) == 20 && !strcmp(text, "-9223372036854775808"));
    HOLDS(snprintf(text, sizeof text, "%.0d|%.0x|%#.0o", 0, 0, 0) == 3 && !strcmp(text, "||0"));
    HOLDS(snprintf(text, sizeof text, "%+.3d % d %-+4d|", 5, 6, 7) == 13 && !strcmp(text, "+005  6 +7  |"));
    HOLDS(snprintf(text, sizeof text, "%a %A", 1.0, 0.5) && !strcmp(text, "0x1p+0 0X1P-1"));
    HOLDS(snprintf(text, sizeof text, "%.2a", 1.999) && !strcmp(text, "0x2.00p+0"));
    HOLDS(snprintf(text, sizeof text, "%La", 1.0L) > 5);
    HOLDS(snprintf(text, sizeof text, "%3$s%1$s%2$s", "a", "b", "c") == 3 && !strcmp(text, "cab"));
    HOLDS(snprintf(text, sizeof text, "%1$*2$.*3$f|", 3.14159, 8, 2) == 9 && !strcmp(text, "    3.14|"));
    HOLDS(snprintf(text, sizeof text, "%.*s", -1, "whole") == 5);
    HOLDS(snprintf(text, sizeof text, "%ls", L"wide") == 4 && !strcmp(text, "wide"));
    HOLDS(snprintf(text, sizeof text, "%.3ls|%lc", L"wide", L'x') == 5 && !strcmp(text, "wid|x"));
    HOLDS(snprintf(text, sizeof text, "%f %F %e", 1.0 / 0, 1.0 / 0, -1.0 / 0) && !strcmp(text, "inf INF -inf"));
    HOLDS(snprintf(text, sizeof text, "%06f|%-6f|%+f", 1.0 / 0, 1.0 / 0, 1.0 / 0) && !strcmp(text, "   inf|inf   |+inf"));
    char *grown = 0;
    HOLDS(asprintf(&grown, "%0300d", 1) == 300 && strlen(grown) == 300);
    free(grown);
}

static void at_end(void)
{
    int a = 0, b = 0;
    char word[16] = "", letters[4] = {9, 9, 9, 9};
    HOLDS(sscanf("", "%d", &a) == EOF);
    HOLDS(sscanf("  \n", "%d", &a) == EOF);
    HOLDS(sscanf("1", "%d %d", &a, &b) == 1);
    HOLDS(sscanf("1 ", "%d %d", &a, &b) == 1);
    HOLDS(sscanf("a", "%d", &a) == 0);
    HOLDS(sscanf("0", "%d%n", &a, &b) == 1 && b == 1);
    HOLDS(sscanf("", "%s", word) == EOF);
    HOLDS(sscanf("", "%c", letters) == EOF);
    HOLDS(sscanf("", "") == 0);
    HOLDS(sscanf("", " ") == 0);
    HOLDS(sscanf("", "x") == EOF);
    HOLDS(sscanf("y", "x%d", &a) == 0);
    HOLDS(sscanf("ab", "%4c", letters) == EOF || letters[2] == 9);
    HOLDS(sscanf("-", "%d", &a) == 0 || sscanf("-", "%d", &a) == EOF);
    HOLDS(sscanf("1x", "%*d%*d") == 0);
    FILE *none = fmemopen((char[]){" "}, 1, "r");
    HOLDS(fscanf(none, "%d", &a) == EOF && feof(none) && !ferror(none));
    fclose(none);
}

static void literal_at_end(void)
{
    char rest[] = "10 units";
    int number = 0;
    FILE *stream = fmemopen((char[]){"12"}, 2, "r");
    HOLDS(fscanf(stream, "%dx", &number) == 1 && number == 12);
    HOLDS(fscanf(stream, "x") == EOF);
    HOLDS(feof(stream));
    fclose(stream);
    stream = fmemopen(rest, 8, "r");
    HOLDS(fscanf(stream, "%d unix", &number) == 1);
    HOLDS(fgetc(stream) == 't');
    fclose(stream);
    HOLDS(sscanf("ab%", "ab%%%d", &number) == EOF);
    HOLDS(sscanf("abc", "abd%d", &number) == 0);
}

static void bytes_consumed(void)
{
    int count = -1, number = 0;
    char given[] = "0x7q 12ab", word[8];
    FILE *stream = fmemopen(given, 9, "r");
    HOLDS(fscanf(stream, "%i%n", &number, &count) == 1 && number == 7 && count == 3);
    HOLDS(ftell(stream) == 3);
    HOLDS(fgetc(stream) == 'q');
    HOLDS(fscanf(stream, "%d%n", &number, &count) == 1 && count == 3);
    HOLDS(fscanf(stream, "%1[a]%n", word, &count) == 1 && count == 1);
    HOLDS(ftell(stream) == 8);
    fclose(stream);
    HOLDS(sscanf("  5", "%n%d%n", &number, &count, &number) == 1 && number == 3);
    HOLDS(sscanf("abc def", "%*s %n", &count) == 0 && count == 4);
    HOLDS(sscanf("hello world", "%5c%n", word, &count) == 1 && count == 5);
}

static void null_bytes(void)
{
    char given[] = "a\0b", letters[4] = "", set[4] = "", left = 1;
    FILE *stream = fmemopen(given, 3, "r");
    HOLDS(fscanf(stream, "%3c", letters) == 1);
    HOLDS(letters[0] == 'a' && letters[1] == 0 && letters[2] == 'b');
    rewind(stream);
    HOLDS(fscanf(stream, "%3[^b]", set) == 1 && set[0] == 'a' && set[1] == 0);
    HOLDS(fgetc(stream) == 'b');
    rewind(stream);
    HOLDS(fscanf(stream, "a%c", &left) == 1 && left == 0);
    fclose(stream);
}

static void long_numbers(void)
{
    static char text[40000];
    double value = 0;
    int count = 0;
    memset(text, '0', sizeof text - 1);
    memcpy(text + sizeof text - 5, "1.5", 4);
    HOLDS(sscanf(text, "%lf%n", &value, &count) == 1 && value == 1.5 && count == sizeof text - 2);
    HOLDS(strtod(text, 0) == 1.5);
    memset(text, '0', sizeof text - 1);
    text[sizeof text - 2] = 0;
    text[1] = '.';
    memcpy(text + 30000, "5e29998", 8);
    HOLDS(strtod(text, 0) == 0.5);
    memset(text, '1', 400);
    strcpy(text + 400, "e-399");
    char *end;
    HOLDS(strtod(text, &end) == 1.1111111111111111 && end == text + 405);
    HOLDS(sscanf(text, "%lf", &value) == 1 && value == 1.1111111111111111);
    memset(text, '9', 310);
    text[310] = 0;
    errno = 0;
    HOLDS(strtod(text, 0) == 1.0 / 0 && errno == ERANGE);
    memset(text, 'a', 3000);
    text[3000] = 0;
    static char word[4000];
    HOLDS(sscanf(text, "%3999s", word) == 1 && strlen(word) == 3000);
    HOLDS(sscanf(text, "%2999[a]", word) == 1 && strlen(word) == 2999);
    memset(text, '7', 1000);
    long long whole = 0;
    errno = 0;
    HOLDS(strtoll(text, &end, 8) == LLONG_MAX && errno == ERANGE && end == text + 1000);
}

static void simple_numbers(void)
{
    const char *const texts[] = {"0x.1p4", "1e+1", "+.25", "-0x1.8P+1", "1e-5", "0.3e1", "00012", "1234567890123456789e-10",
                                 "4.9406564584124654e-324", "2.2250738585072014e-308", "1.7976931348623157e308",
                                 "0x1.fffffffffffff8p1023", "9007199254740993", "0.1e-1", "123e", "1e+", "0x", "0xg", "infinit", "nan(123)", "nan(", "-inf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end;
        errno = 0;
        const double value = strtod(texts[i], &end);
        note("%.17g/%td/%d ", value, end - texts[i], errno == ERANGE);
        if (value == value) {
            char again[400];
            snprintf(again, sizeof again, "%.17g", value);
            HOLDS(strtod(again, 0) == value);
        }
    }
}

static void wide_scans(void)
{
    char given[] = "12 0x1f word [set] 3.25 last";
    char name[] = "/tmp/subject-XXXXXX";
    const int number = mkstemp(name);
    write(number, given, sizeof given - 1);
    lseek(number, 0, SEEK_SET);
    FILE *stream = fdopen(number, "r");
    int a = 0, count = 0;
    unsigned b = 0;
    float real = 0;
    char narrow[8] = "";
    wchar_t wide[8] = L"";
    HOLDS(fwscanf(stream, L"%d %x", &a, &b) == 2 && a == 12 && b == 31);
    HOLDS(fwscanf(stream, L"%7ls", wide) == 1 && !wcscmp(wide, L"word"));
    HOLDS(fwscanf(stream, L" [%7l[a-z]]", wide) == 1 && !wcscmp(wide, L"set"));
    HOLDS(fwscanf(stream, L"%f%n", &real, &count) == 1 && real == 3.25f && count == 5);
    HOLDS(fwscanf(stream, L"%7s", narrow) == 1 && !strcmp(narrow, "last"));
    HOLDS(fwscanf(stream, L"%d", &a) == EOF);
    fclose(stream);
    unlink(name);
    HOLDS(swscanf(L"5%", L"%d%%%n", &a, &count) == 1 && count == 2);
    HOLDS(swscanf(L"", L"%d", &a) == EOF);
    HOLDS(swscanf(L"x", L"%d", &a) == 0);
    HOLDS(swscanf(L"ab", L"%lc%c", wide, narrow) == 2 && *wide == L'a' && *narrow == 'b');
    HOLDS(swscanf(L"077 077", L"%i %d", &a, &count) == 2 && a == 63 && count == 77);
}

const struct subject format_subjects[] = {
    {"printf-fmt-g-round", rounded_g}, {"printf-fmt-g-zeros", zeros_of_g}, {"printf-1e9-oob", huge_precision},
    {"printf-limits", limits}, {"sscanf-eof", at_end}, {"scanf-match-literal-eof", literal_at_end},
    {"scanf-bytes-consumed", bytes_consumed}, {"scanf-nullbyte-char", null_bytes}, {"sscanf_long", long_numbers},
    {"strtod_long", long_numbers}, {"strtod_simple", simple_numbers}, {"fwscanf", wide_scans}, {0, 0}};
