/* Edges of buffers and of values, where libraries read or wrote too far, or lost a sign. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <iconv.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <resolv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "subject.h"

/* `size` bytes that end where nothing is mapped. */
static char *before_nothing(const void *bytes, size_t size)
{
    char *area = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 4096, 4096, PROT_NONE);
    return memcpy(area + 4096 - size, bytes, size);
}

static void given_back(char *text)
{
    munmap((void *)((uintptr_t)text & -4096ul), 8192);
}

static void found_in_memory(void)
{
    char *text = before_nothing("abcde", 5);
    HOLDS(!memmem(text, 5, "ef", 2));
    HOLDS(!memmem(text, 5, "efg", 3));
    HOLDS(!memmem(text, 5, "efgh", 4));
    HOLDS(!memmem(text, 5, "efghi", 5));
    HOLDS(!memmem(text, 5, "abcdef", 6));
    HOLDS(memmem(text, 5, "de", 2) == text + 3);
    HOLDS(memmem(text, 5, "cde", 3) == text + 2);
    HOLDS(memmem(text, 5, "bcde", 4) == text + 1);
    HOLDS(memmem(text, 5, "abcde", 5) == text);
    HOLDS(memmem(text, 5, "", 0) == text);
    HOLDS(!memmem(text, 0, "a", 1));
    given_back(text);
    char longer[300];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + 200, "needle", 6);
    HOLDS(memmem(longer, 300, "needle", 6) == longer + 200);
    HOLDS(!memmem(longer, 205, "needle", 6));
    HOLDS(memmem(longer, 206, "xxneedle", 8) == longer + 198);
    HOLDS(memmem("a\0b\0c", 5, "b\0c", 3) != 0);
}

static void read_in_memory(void)
{
    static const char needle[] = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t size = 1; size < 40; size++) {
        char *text = before_nothing(needle, size);
        HOLDS(memmem(text, size, needle, size) == text);
        HOLDS(!memmem(text, size, needle, size + 1));
        HOLDS(size < 2 || memmem(text, size, needle + 1, size - 1) == text + 1);
        HOLDS(memchr(text, 'Z', size) == 0);
        HOLDS(strnlen(text, size) == size);
        given_back(text);
    }
}

static void found_in_text(void)
{
    const char *const cases[][2] = {{"", ""}, {"a", ""}, {"abcd", "d"}, {"abcd", "cde"}, {"aabaab", "aab"}, {"ababac", "abac"},
                                    {"aaaaaaab", "aaab"}, {"abcabcabd", "abcabd"}, {"playing play play play always", "play play play"},
                                    {"00000001000000010000000000000000", "000000000"}, {"0123456789", "6789abc"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i][0], *part = cases[i][1], *place = strstr(text, part);
        note("%td ", place ? place - text : -1);
        HOLDS(memmem(text, strlen(text), part, strlen(part)) == (void *)place);
    }
}

static void wide_found(void)
{
    HOLDS(wcsstr(L"playing play play play always play", L"play play play always"));
    const wchar_t *text = L"aaabaaaaabaab";
    HOLDS(wcsstr(text, L"aaaab") == text + 5);
    HOLDS(wcsstr(text, L"baab") == text + 9);
    HOLDS(!wcsstr(text, L"aaaaaa"));
    HOLDS(wcsstr(text, L"") == text);
    HOLDS(wcsstr(L"", L"") != 0);
    HOLDS(!wcsstr(L"", L"a"));
    HOLDS(wcsstr(L"\x1f600\x1f601\x1f602", L"\x1f602") != 0);
}

static void wide_copied(void)
{
    wchar_t given[4] = {L'a', L'b', L'c', L'd'}, *text = (wchar_t *)before_nothing(given, sizeof given), copy[6];
    wcsncpy(copy, text, 4);
    HOLDS(copy[3] == L'd');
    wmemset(copy, L'x', 6);
    text[1] = 0;
    HOLDS(wcsncpy(copy, text, 5) == copy && copy[0] == L'a' && !copy[1] && !copy[4] && copy[5] == L'x');
    HOLDS(wcsnlen(text + 2, 2) == 2);
    HOLDS(!wmemchr(text, L'z', 4));
    given_back((char *)text);
}

static void to_wide(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const char *from = "ab\xc3\xa9\xe2\x82\xac";
    wchar_t wide[6];
    wmemset(wide, L'!', 6);
    HOLDS(mbsrtowcs(wide, &from, 3, 0) == 3);
    HOLDS(wide[2] == 0xe9 && wide[3] == L'!');
    HOLDS(from && !strcmp(from, "\xe2\x82\xac"));
    HOLDS(mbsrtowcs(wide, &from, 3, 0) == 1 && !from && !wide[1]);
    const char *again = "12345678901234567890";
    wmemset(wide, L'!', 6);
    HOLDS(mbsnrtowcs(wide, &again, 5, 4, 0) == 4 && wide[4] == L'!');
    char narrow[8] = "!!!!!!!";
    const wchar_t *back = L"a\x20ac";
    HOLDS(wcsrtombs(narrow, &back, 3, 0) == 1 && narrow[1] == '!');
    HOLDS(wcsrtombs(narrow, &back, 4, 0) == 3 && !back);
    HOLDS(wcrtomb(narrow, 0x10ffff, 0) == 4);
    errno = 0;
    HOLDS(wcrtomb(narrow, 0xd800, 0) == (size_t)-1 && errno == EILSEQ);
    HOLDS(wcwidth(L'\x4e00') == 2);
    HOLDS(wcwidth(0x301) == 0);
    HOLDS(wcswidth(L"ab\x4e00", 3) == 4);
    setlocale(LC_CTYPE, "C");
}

static void bytes_of_c(void)
{
    HOLDS(setlocale(LC_ALL, "C") != 0);
    HOLDS(MB_CUR_MAX == 1);
    wchar_t wide;
    for (int c = 0; c < 128; c++)
        HOLDS(mbrtowc(&wide, (char[]){(char)c}, 1, &(mbstate_t){0}) == (size_t)(c > 0) && wide == c);
    HOLDS(btowc('x') == L'x' && btowc(EOF) == WEOF && wctob(L'x') == 'x' && wctob(0x4e00) == EOF);
    char narrow[8];
    errno = 0;
    HOLDS(wcrtomb(narrow, 0x20ac, 0) == (size_t)-1 && errno == EILSEQ);
    HOLDS(mblen("a", 1) == 1 && mblen("", 1) == 0 && mbsinit(&(mbstate_t){0}));
}

static void high_bytes_of_c(void)
{
    setlocale(LC_ALL, "C");
    unsigned distinct = 0;
    wchar_t wide, before = 0;
    for (int c = 128; c < 256; c++) {
        char narrow[8] = "";
        HOLDS(mbrtowc(&wide, (char[]){(char)c}, 1, &(mbstate_t){0}) == 1 && wide != before);
        HOLDS(wcrtomb(narrow, wide, &(mbstate_t){0}) == 1 && (unsigned char)*narrow == c);
        HOLDS(wctob(wide) == c && btowc(c) == (wint_t)wide);
        distinct += wide != before;
        before = wide;
    }
    HOLDS(distinct == 128);
}

static void round_trips(void)
{
    const char *const names[] = {"ISO-8859-1", "ISO-8859-2", "ISO-8859-5", "ISO-8859-15", "KOI8-R", "WINDOWS-1251", "CP437",
                                 "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "UCS-2LE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int is_cyrillic = strstr("ISO-8859-5 KOI8-R WINDOWS-1251", names[i]) != 0;
        char given[] = "plain \xc3\xa9", cyrillic[] = "\xd0\xb6\xd1\x8f", *text = is_cyrillic ? cyrillic : given;
        char *from = text, other[100], *to = other, back[100] = "";
        size_t left = strlen(text), room = sizeof other;
        iconv_t there = iconv_open(names[i], "UTF-8"), here = iconv_open("UTF-8", names[i]);
        HOLDS(there != (iconv_t)-1 && here != (iconv_t)-1);
        if (there == (iconv_t)-1 || here == (iconv_t)-1)
            continue;
        HOLDS(iconv(there, &from, &left, &to, &room) == 0 && !left);
        left = (size_t)(to - other), from = other, to = back, room = sizeof back;
        HOLDS(iconv(here, &from, &left, &to, &room) == 0 && !left);
        HOLDS(!strcmp(back, text));
        iconv_close(there);
        iconv_close(here);
    }
    iconv_t narrow = iconv_open("UTF-16LE", "UTF-8");
    char given[] = "abc", bad[] = "a\xff", cut[] = "a\xe2\x82", *from = given, out[4], *to = out;
    size_t left = 3, room = 4;
    errno = 0;
    HOLDS(iconv(narrow, &from, &left, &to, &room) == (size_t)-1 && errno == E2BIG && left == 1 && !room);
    from = bad, left = 2, to = out, room = 4, errno = 0;
    HOLDS(iconv(narrow, &from, &left, &to, &room) == (size_t)-1 && errno == EILSEQ && left == 1);
    from = cut, left = 3, to = out, room = 4, errno = 0;
    HOLDS(iconv(narrow, &from, &left, &to, &room) == (size_t)-1 && errno == EINVAL && left == 2);
    iconv_close(narrow);
}

static void mapped_addresses(void)
{
    unsigned char bytes[16] = {[10] = 255, [11] = 255, [12] = 192, [13] = 168, [14] = 0, [15] = 1};
    char text[INET6_ADDRSTRLEN] = "";
    HOLDS(inet_ntop(AF_INET6, bytes, text, sizeof text) == text && !strcmp(text, "::ffff:192.168.0.1"));
    errno = 0;
    HOLDS(!inet_ntop(AF_INET6, bytes, text, 10) && errno == ENOSPC);
    HOLDS(inet_ntop(AF_INET, bytes + 12, text, sizeof text) && !strcmp(text, "192.168.0.1"));
    HOLDS(inet_pton(AF_INET6, "::ffff:192.168.0.1", bytes) == 1 && bytes[12] == 192);
    memset(bytes, 0, 16);
    HOLDS(inet_ntop(AF_INET6, bytes, text, sizeof text) && !strcmp(text, "::"));
    bytes[0] = 32, bytes[15] = 1;
    HOLDS(inet_ntop(AF_INET6, bytes, text, sizeof text) && !strcmp(text, "2000::1"));
    errno = 0;
    HOLDS(!inet_ntop(12345, bytes, text, sizeof text) && errno == EAFNOSUPPORT);
}

static void empty_fields(void)
{
    unsigned char bytes[16];
    const char *const bad[] = {"1:2:3:4:5:6:7:", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", "::1:",
                               ":1:2:3:4:5:6:7", "1.2.3.4", "::1.2.3", "::1.2.3.256", "", " ::1", "::1 ", "1::g"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        HOLDS(inet_pton(AF_INET6, bad[i], bytes) == 0);
    HOLDS(inet_pton(AF_INET6, "::", bytes) == 1);
    HOLDS(inet_pton(AF_INET6, "1:2:3:4:5:6:7:8", bytes) == 1 && bytes[15] == 8);
    HOLDS(inet_pton(AF_INET6, "1:2:3:4:5:6::", bytes) == 1 && !bytes[15] && bytes[11] == 6);
    HOLDS(inet_pton(AF_INET6, "::FFFF:1.2.3.4", bytes) == 1 && bytes[15] == 4);
    HOLDS(inet_pton(AF_INET, "1.2.3.", bytes) == 0);
    HOLDS(inet_pton(AF_INET, "1.2.3.4", bytes) == 1 && bytes[3] == 4);
    HOLDS(inet_aton("1.2.3", (void *)bytes) == 1 && bytes[3] == 3);
    HOLDS(inet_aton("0300.0x10.5", (void *)bytes) == 1 && bytes[0] == 192 && bytes[1] == 16);
    HOLDS(inet_aton("1.2.3.4.5", (void *)bytes) == 0);
    errno = 0;
    HOLDS(inet_pton(12345, "x", bytes) == -1 && errno == EAFNOSUPPORT);
    struct in_addr made = inet_makeaddr(127, 1);
    HOLDS(inet_lnaof(made) == 1 && inet_netof(made) == 127 && inet_network("1.2.3.4") == 0x01020304);
}

static void empty_names(void)
{
    unsigned char answer[] = {0, 1, 'a', 0, 0xc0, 0};
    char name[8] = "!!!!!!!";
    HOLDS(dn_expand(answer, answer + 6, answer, name, sizeof name) == 1 && !*name);
    HOLDS(dn_expand(answer, answer + 6, answer + 1, name, sizeof name) == 3 && !strcmp(name, "a"));
    HOLDS(dn_expand(answer, answer + 6, answer + 4, name, sizeof name) == 2 && !*name);
    HOLDS(dn_expand(answer, answer + 5, answer + 4, name, sizeof name) == -1);
}

static void pointer_to_start(void)
{
    unsigned char answer[] = {2, 'a', 'b', 0, 0xc0, 0, 0xc0, 6, 1, 'x', 0xc0, 0};
    char name[256] = "";
    HOLDS(dn_expand(answer, answer + 12, answer + 4, name, sizeof name) == 2 && !strcmp(name, "ab"));
    HOLDS(dn_expand(answer, answer + 12, answer + 8, name, sizeof name) == 4 && !strcmp(name, "x.ab"));
    HOLDS(dn_expand(answer, answer + 12, answer + 6, name, sizeof name) == -1);
    HOLDS(dn_expand(answer, answer + 12, answer + 8, name, 3) == -1);
}

static void invalid_reals(void)
{
    union {
        long double real;
        struct {
            uint64_t digits;
            uint16_t sign;
        } bits;
    } value = {0};
    value.bits.digits = 1ull << 63, value.bits.sign = 0x7fff;
    HOLDS(fpclassify(value.real) == FP_INFINITE);
    value.bits.digits = 3ull << 62;
    HOLDS(fpclassify(value.real) == FP_NAN);
    value.bits.digits = 1, value.bits.sign = 0;
    HOLDS(fpclassify(value.real) == FP_SUBNORMAL);
    value.bits.digits = 0;
    HOLDS(fpclassify(value.real) == FP_ZERO);
    value.bits.digits = 1ull << 63, value.bits.sign = 1;
    HOLDS(fpclassify(value.real) == FP_NORMAL);
    HOLDS(signbit(-value.real) && isfinite(value.real) && isnormal(value.real));
}

/* Encodings that the processor refuses; glibc's functions differ. */
static void pseudo_reals(void)
{
    union {
        long double real;
        struct {
            uint64_t digits;
            uint16_t sign;
        } bits;
    } value = {0};
    value.bits.digits = 1ull << 62, value.bits.sign = 1; /* unnormal */
    HOLDS(fpclassify(value.real) == FP_NAN);
    value.bits.digits = 0, value.bits.sign = 0x7fff; /* pseudo-infinity */
    HOLDS(fpclassify(value.real) == FP_NAN);
    value.bits.digits = 1, value.bits.sign = 0x7fff; /* pseudo-NaN */
    HOLDS(fpclassify(value.real) == FP_NAN);
    value.bits.digits = 1ull << 63, value.bits.sign = 0; /* pseudo-denormal */
    HOLDS(fpclassify(value.real) == FP_NORMAL);
}

static void signs_of_randoms(void)
{
    unsigned short state[3] = {0xffff, 0xffff, 0xffff}, other[3] = {0, 0, 0x8000};
    for (int i = 0; i < 8; i++) {
        note("%ld ", nrand48(state));
        note("%ld ", jrand48(state));
        note("%ld ", jrand48(other));
    }
    srand48(-1);
    long least = 0, value, most = 0;
    for (int i = 0; i < 1000; i++) {
        value = mrand48();
        least = value < least ? value : least;
        value = lrand48();
        HOLDS(value >= 0 && value <= 0x7fffffff);
        most = value > most ? value : most;
    }
    HOLDS(least < -0x40000000l && least >= -0x80000000l && most > 0x40000000l);
    unsigned short parameters[7] = {1, 2, 3, 4, 5, 6, 7};
    lcong48(parameters);
    note("%ld", mrand48());
    seed48(state);
}

static void environment_twice(void)
{
    putenv("KEPT=1");
    HOLDS(!setenv("KEPT", "2", 1) && !strcmp(getenv("KEPT"), "2"));
    putenv("KEPT=3");
    HOLDS(!unsetenv("KEPT") && !getenv("KEPT"));
    setenv("KEPT", "4", 1);
    putenv("KEPT=5");
    putenv("KEPT=6");
    HOLDS(!strcmp(getenv("KEPT"), "6"));
    setenv("KEPT", "7", 1);
    setenv("KEPT", "8", 1);
    HOLDS(!strcmp(getenv("KEPT"), "8"));
    HOLDS(!unsetenv("KEPT") && !unsetenv("KEPT"));
    HOLDS(unsetenv("a=b") == -1 && errno == EINVAL);
    for (int i = 0; i < 50; i++) {
        setenv("AGAIN", i % 2 ? "odd" : "even and longer", 1);
        putenv("AGAIN=put");
    }
    HOLDS(!strcmp(getenv("AGAIN"), "put"));
    unsetenv("AGAIN");
}

const struct subject edge_subjects[] = {
    {"memmem-oob", found_in_memory}, {"memmem-oob-read", read_in_memory}, {"string_memmem", found_in_text},
    {"wcsstr-false-negative", wide_found}, {"wcsncpy-read-overflow", wide_copied}, {"mbsrtowcs-overflow", to_wide},
    {"clocale_mbfuncs", bytes_of_c}, {"clocale-high-bytes", high_bytes_of_c}, {"iconv-roundtrips", round_trips},
    {"inet_ntop-v4mapped", mapped_addresses}, {"inet_pton-empty-last-field", empty_fields}, {"dn_expand-empty", empty_names},
    {"dn_expand-ptr-0", pointer_to_start}, {"fpclassify", invalid_reals}, {"fpclassify-invalid-ld80", pseudo_reals},
    {"lrand48-signextend", signs_of_randoms}, {"putenv-doublefree", environment_twice}, {0, 0}};
