#define _GNU_SOURCE
#include <errno.h>
#include <iconv.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "subject.h"

static void texts(void)
{
    wchar_t text[40];
    wcscpy(text, L"wide ");
    wcscat(text, L"text");
    note("%zu ", wcslen(text));
    note("%td ", wcsstr(text, L"te") - text);
    note("%td ", wcschr(text, L'x') - text);
    note("%d ", wcscmp(L"a", L"b") < 0);
    wcsncpy(text, L"ab", 5);
    note("%d", text[4]);
    note("%d ", wmemcmp(text, L"ab", 2));
    note("%d ", wcsstr(L"abacabadabac", L"bad") != 0);
    note("%zu", wcscspn(L"hello", L"l"));
}

static void numbers(void)
{
    wchar_t *end;
    const wchar_t *text = L" -42xyz";
    note("%ld ", wcstol(text, &end, 10));
    note("%td ", end - text);
    note("%g ", wcstod(L"1.5e2", 0));
    note("%lx ", wcstoul(L"ff", 0, 16));
    errno = 0;
    note("%d ", wcstol(L"99999999999999999999", 0, 10) > 0);
    note("%d", errno == ERANGE);
}

static void printed(void)
{
    wchar_t text[40], small[3];
    char narrow[40];
    note("%d ", swprintf(text, 40, L"%d %ls %s %c", 5, L"wide", "narrow", 'x'));
    wcstombs(narrow, text, sizeof narrow);
    note("%s ", narrow);
    note("%d ", swprintf(small, 3, L"%d", 12345) < 0);
    int a = 0;
    wchar_t word[9] = L"";
    note("%d ", swscanf(L"12 word", L"%d %8ls", &a, word));
    note("%d ", a);
    note("%zu", wcslen(word));
}

static void bytes(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    const char *utf = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    wchar_t wide[10];
    size_t count = mbstowcs(wide, utf, 10);
    note("%zu %x %x %x ", count, (unsigned)wide[1], (unsigned)wide[2], (unsigned)wide[3]);
    char back[20];
    note("%zu ", wcstombs(back, wide, 20));
    note("%d ", strcmp(back, utf));
    mbstate_t state = {0};
    wchar_t one;
    note("%zd ", (ssize_t)mbrtowc(&one, "\xe2", 1, &state));
    note("%zd ", (ssize_t)mbrtowc(&one, "\x82", 1, &state));
    note("%zd ", (ssize_t)mbrtowc(&one, "\xac", 1, &state));
    const char *const bad[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x28"};
    for (size_t i = 0; i < 5; i++) {
        memset(&state, 0, sizeof state);
        errno = 0;
        note("%zd", (ssize_t)mbrtowc(&one, bad[i], strlen(bad[i]), &state));
        note("%d ", errno == EILSEQ);
    }
    const char *source = utf;
    note("%zu", mbsrtowcs(0, &source, 0, &(mbstate_t){0}));
    setlocale(LC_ALL, "C");
}

static void classes(void)
{
    note("%d", iswspace(0));
    note("%d", iswspace(L' ') != 0);
    note("%d", iswalpha(L'a') != 0);
    note("%d ", iswdigit(L'5') != 0);
    note("%lc", (wint_t)towupper(L'q'));
    note("%lc ", (wint_t)towlower(L'Q'));
    note("%d", iswctype(L'a', wctype("alpha")) != 0);
}

static void conversions(void)
{
    iconv_t latin = iconv_open("UTF-8", "ISO-8859-1"), wide = iconv_open("UTF-16LE", "UTF-8");
    note("%d ", latin != (iconv_t)-1);
    note("%d ", wide != (iconv_t)-1);
    note("%d ", iconv_open("none", "such") == (iconv_t)-1);
    if (latin == (iconv_t)-1 || wide == (iconv_t)-1)
        return;
    char given[] = "caf\xe9", out[20] = "", *from = given, *to = out;
    size_t left = 4, room = 20;
    note("%zu ", iconv(latin, &from, &left, &to, &room));
    note("%zu ", room);
    note("%s ", out);
    char given2[] = "\xe2\x82\xac", *from2 = given2;
    to = out, left = 3, room = 20;
    note("%zu ", iconv(wide, &from2, &left, &to, &room));
    note("%zu ", room);
    note("%x", out[0] & 255);
    note("%x ", out[1] & 255);
    iconv_close(latin);
    iconv_close(wide);
}

static void locales(void)
{
    note("%d ", setlocale(LC_ALL, "none_SUCH") == 0);
    note("%s ", setlocale(LC_ALL, 0));
    locale_t other = newlocale(LC_ALL_MASK, "C", 0);
    note("%d ", uselocale(0) == LC_GLOBAL_LOCALE);
    note("%d ", uselocale(other) == LC_GLOBAL_LOCALE);
    note("%d ", uselocale(0) == other);
    note("%d ", uselocale(LC_GLOBAL_LOCALE) == other);
    note("%s", localeconv()->decimal_point);
    freelocale(other);
}

const struct subject wide_subjects[] = {
    {"wcsstr", texts}, {"wcstol", numbers}, {"swprintf", printed}, {"mbc", bytes}, {"iswspace-null", classes},
    {"iconv_open", conversions}, {"uselocale-0", locales}, {0, 0}};
