#define _GNU_SOURCE
#include <ctype.h>
#include <fnmatch.h>
#include <libgen.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "subject.h"

static void basenames(void)
{
    const char *const paths[] = {"", "/", "//", "a", "/a/b", "/a/b/", "a//b//", ".", ".."};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char copy[16], other[16];
        strcpy(copy, paths[i]);
        strcpy(other, paths[i]);
        char *base = basename(copy);
        note("%s,", base);
        note("%s ", dirname(other));
    }
}

static void copies(void)
{
    char from[80], to[80];
    unsigned sum = 0;
    for (int i = 0; i < 80; i++)
        from[i] = (char)(i * 7 + 1);
    for (unsigned at = 0; at < 9; at++)
        for (unsigned size = 0; size < 70; size++) {
            memset(to, 0, sizeof to);
            memcpy(to + at, from + size % 8, size);
            memmove(to + at + 1, to + at, size ? size - 1 : 0);
            for (int i = 0; i < 80; i++)
                sum = sum * 31 + (unsigned char)to[i];
        }
    note("%u", sum);
}

static void sets(void)
{
    char to[64];
    unsigned sum = 0;
    for (unsigned at = 0; at < 8; at++)
        for (unsigned size = 0; size < 50; size++) {
            memset(to, 0, sizeof to);
            memset(to + at, (int)size + 200, size);
            for (int i = 0; i < 64; i++)
                sum = sum * 31 + (unsigned char)to[i];
        }
    note("%u", sum);
}

static void characters(void)
{
    const char *text = "abcdefghijklmnopqrstuvwxyz0123456789\xff!";
    for (const char *at = text; at < text + 36; at += 5)
    {
        note("%d ", (int)(strchr(text, *at) - text));
        note("%d ", (int)(strrchr(text, *at) - text));
    }
    note("%d ", !strchr(text, '?'));
    note("%d ", (int)(strchr(text, 0) - text));
    note("%d", (int)((char *)memchr(text, 0xff, 60) - text));
}

static void spans(void)
{
    note("%zu ", strcspn("hello", "l"));
    note("%zu ", strcspn("hello", ""));
    note("%zu ", strcspn("", "x"));
    note("%zu ", strcspn("hello", "xyz"));
    note("%zu ", strspn("aabbc", "ab"));
    note("%zu ", strspn("x", ""));
    note("%zu ", strspn("\xff\xfe", "\xff"));
    note("%s", strpbrk("hello, you", ",y"));
}

static void substrings(void)
{
    char longer[600] = {0};
    memset(longer, 'a', 500);
    strcpy(longer + 500, "baab");
    note("%s ", strstr("playing play play play always", "play play play always"));
    note("%d ", !strstr("aabbaab", "abb!"));
    note("%td ", strstr(longer, "aaab") - longer);
    note("%td ", (char *)memmem(longer, 504, "baab", 4) - longer);
    note("%d", !memmem("abcde", 4, "cde", 3));
    note(" %d", memmem("x", 1, "", 0) != 0);
}

static void others(void)
{
    char text[40] = "one,two,,three", *rest, *part;
    for (part = strtok_r(text, ",", &rest); part; part = strtok_r(0, ",", &rest))
        note("%s.", part);
    char bounded[8];
    strncpy(bounded, "long text", 7);
    bounded[7] = 0;
    note("%s ", bounded);
    note("%d ", strcmp("a", "\xff") < 0);
    note("%d ", strncmp("abc", "abd", 2));
    note("%d ", strcasecmp("HeLLo", "hEllO"));
    note("%zu ", strnlen("12345", 3));
    char *twice = strndup("doubled", 3);
    note("%s ", twice);
    note("%d", memcmp("\x80", "\x7f", 1) > 0);
    free(twice);
}

static void versions(void)
{
    const char *const pairs[][2] = {{"000", "00"}, {"00", "000"}, {"00", "01"}, {"01", "010"}, {"010", "09"}, {"09", "0"},
                                    {"9", "10"}, {"0a", "0"}, {"foobar-1.1.2", "foobar-1.1.3"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int order = strverscmp(pairs[i][0], pairs[i][1]);
        note("%d", (order > 0) - (order < 0));
    }
}

static void patterns(void)
{
    const struct { const char *pattern, *text; int flags; } cases[] = {
        {"*.c", "foo.c", 0}, {"*.c", ".c", FNM_PERIOD}, {"[a-z]*", "Zed", 0}, {"[!a-z]*", "Zed", 0},
        {"a*b*c", "aXXbYYc", 0}, {"a/*", "a/b/c", FNM_PATHNAME}, {"a/*", "a/b/c", 0}, {"\\*", "*", 0}, {"\\*", "\\*", FNM_NOESCAPE},
        {"[[:alpha:]]", "q", 0}, {"[]]", "]", 0}, {"?", "", 0}, {"**", "", 0}, {"[a", "[a", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        note("%d", fnmatch(cases[i].pattern, cases[i].text, cases[i].flags) == 0);
}

static void match(const char *pattern, const char *text, int flags)
{
    regex_t regex;
    regmatch_t found[3];
    int status = regcomp(&regex, pattern, flags);
    if (status) {
        note("! ");
        return;
    }
    if (regexec(&regex, text, 3, found, 0))
        note("- ");
    else
        note("%d-%d,%d-%d ", (int)found[0].rm_so, (int)found[0].rm_eo, (int)found[1].rm_so, (int)found[1].rm_eo);
    regfree(&regex);
}

static void expressions(void)
{
    match("a(b*)c", "xabbbc", REG_EXTENDED);
    match("\\(a*\\)*", "b", 0);
    match("(a|ab)(c|bcd)", "abcd", REG_EXTENDED);
    match("[[:digit:]]+$", "abc123", REG_EXTENDED);
    match("ABC", "xabc", REG_ICASE);
    match("a{2,3}", "aaaa", REG_EXTENDED);
    match("(", "x", REG_EXTENDED);
    match("[z-a]", "x", 0);
    match("a\\{1,2", "x", 0);
    match("^*", "*a", 0);
    match("\\(.\\)\\1", "abccd", 0);
    match("x*", "", REG_EXTENDED);
}

static void classes(void)
{
    unsigned sum = 0;
    for (int c = 0; c < 128; c++)
        sum = sum * 37 + (unsigned)(!!isalpha(c) | !!isdigit(c) << 1 | !!isspace(c) << 2 | !!ispunct(c) << 3 | !!isprint(c) << 4 |
                                    !!iscntrl(c) << 5 | !!isxdigit(c) << 6 | !!isgraph(c) << 7) + (unsigned)(toupper(c) * 2 + tolower(c));
    note("%u", sum);
}

const struct subject string_subjects[] = {
    {"basename", basenames}, {"string_memcpy", copies}, {"string_memset", sets}, {"string_strchr", characters},
    {"string_strcspn", spans}, {"string_strstr", substrings}, {"string", others}, {"strverscmp", versions},
    {"fnmatch", patterns}, {"regex", expressions}, {"ctype", classes}, {0, 0}};
