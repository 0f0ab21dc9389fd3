/* Regular expressions, and patterns, where libraries were wrong once. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "subject.h"

/* Where the match and its first group lie: "2-5,3-4", "none", or "refused". */
static const char *found(const char *pattern, const char *text, int flags)
{
    static char place[60];
    regex_t regex;
    regmatch_t parts[2] = {{-1, -1}, {-1, -1}};
    if (regcomp(&regex, pattern, flags))
        return "refused";
    if (regexec(&regex, text, 2, parts, 0))
        strcpy(place, "none");
    else
        snprintf(place, sizeof place, "%d-%d,%d-%d", (int)parts[0].rm_so, (int)parts[0].rm_eo, (int)parts[1].rm_so, (int)parts[1].rm_eo);
    regfree(&regex);
    return place;
}

#define FOUND(place, pattern, text, flags) HOLDS(!strcmp(found(pattern, text, flags), place))

static void group_of_all(void)
{
    FOUND("0-2,0-1", "\\(a\\)\\1", "aa", 0);
    FOUND("none", "\\(a\\)\\1", "ab", 0);
    FOUND("refused", "a\\2", "aa", 0);
    FOUND("0-6,0-3", "\\(abc\\)\\1", "abcabc", 0);
    FOUND("0-0,0-0", "\\(x*\\)\\1", "y", 0);
    FOUND("1-5,1-3", "\\(bc\\)\\1", "abcbc", 0);
    FOUND("none", "^\\(.*\\)\\1$", "aba", 0);
}

/* Libraries differ in what a reference is there, and in what is refused. */
static void extended_references(void)
{
    note("%s ", found("(a)\\1", "aa", REG_EXTENDED));
    note("%s ", found("(a)\\1", "ab", REG_EXTENDED));
    note("%s ", found("(a|ab)\\1", "abab", REG_EXTENDED));
    note("%s ", found("(a)\\2", "aa", REG_EXTENDED));
    note("%s", found("\\1\\(a\\)", "aa", 0));
}

static void case_in_brackets(void)
{
    FOUND("0-1,-1--1", "[a-z]", "Q", REG_ICASE);
    FOUND("none", "[^a-z]", "Q", REG_ICASE);
    FOUND("none", "[^q]", "Q", REG_ICASE);
    FOUND("0-1,-1--1", "[A]", "a", REG_ICASE);
    FOUND("0-1,-1--1", "[[:upper:]]", "a", REG_ICASE);
    FOUND("none", "[[:upper:]]", "a", 0);
    FOUND("0-3,-1--1", "[aBc]*", "AbC", REG_ICASE);
    FOUND("0-3,0-3", "(ABC)", "abc", REG_ICASE | REG_EXTENDED);
}

static void high_bytes(void)
{
    FOUND("0-2,-1--1", "\\\xc3\xa9", "\xc3\xa9", 0);
    FOUND("0-2,-1--1", "\xc3\xa9", "\xc3\xa9", REG_EXTENDED);
    FOUND("1-3,-1--1", "\xc3\xa9$", "a\xc3\xa9", REG_EXTENDED);
}

static void negated_ranges(void)
{
    FOUND("0-1,-1--1", "[^aa-z]", "Q", 0);
    FOUND("none", "[^aa-z]", "k", 0);
    FOUND("none", "[^a-zb]", "b", 0);
    FOUND("0-1,-1--1", "[^]]", "a", 0);
    FOUND("none", "[^]]", "]", 0);
    FOUND("0-1,-1--1", "[^a-]", "b", 0);
    FOUND("none", "[^a-]", "-", 0);
    FOUND("0-1,-1--1", "[^[:digit:]]", "x", 0);
    FOUND("none", "[^[:digit:]a-f]", "c", 0);
    FOUND("none", "[^\\]", "\\", 0);
}

static void without_parts(void)
{
    regex_t regex;
    regmatch_t parts[2] = {{7, 8}, {9, 10}};
    HOLDS(!regcomp(&regex, "a(b)c", REG_EXTENDED | REG_NOSUB));
    HOLDS(!regexec(&regex, "xabc", 0, 0, 0));
    HOLDS(!regexec(&regex, "xabc", 2, parts, 0));
    HOLDS(parts[0].rm_so == 7 && parts[1].rm_eo == 10);
    HOLDS(regexec(&regex, "xab", 2, parts, 0) == REG_NOMATCH);
    regfree(&regex);
    HOLDS(!regcomp(&regex, "a(b)c", REG_EXTENDED));
    HOLDS(regex.re_nsub == 1);
    HOLDS(!regexec(&regex, "xabc", 0, 0, 0));
    HOLDS(!regexec(&regex, "xabc", 1, parts, 0) && parts[0].rm_so == 1 && parts[1].rm_so == 9);
    regfree(&regex);
    HOLDS(!regcomp(&regex, "^x", 0));
    HOLDS(regexec(&regex, "x", 0, 0, REG_NOTBOL) == REG_NOMATCH);
    regfree(&regex);
    HOLDS(!regcomp(&regex, "^b$", REG_NEWLINE));
    HOLDS(!regexec(&regex, "a\nb\nc", 1, parts, 0) && parts[0].rm_so == 2);
    regfree(&regex);
    char why[40];
    HOLDS(regerror(REG_NOMATCH, 0, why, sizeof why) > 1);
}

static void more_expressions(void)
{
    FOUND("0-4,2-4", "(ab|cd){2}", "abab", REG_EXTENDED);
    FOUND("0-3,-1--1", "a{3}", "aaaa", REG_EXTENDED);
    FOUND("0-4,-1--1", "a{2,}", "aaaa", REG_EXTENDED);
    FOUND("0-0,-1--1", "a{0}", "b", REG_EXTENDED);
    FOUND("refused", "a{3,2}", "aaa", REG_EXTENDED);
    FOUND("0-2,-1--1", "a\\{2\\}", "aa", 0);
    FOUND("3-6,3-6", "(foo|bar)$", "foobar", REG_EXTENDED);
    FOUND("0-1,-1--1", ".", "\n", 0);
    FOUND("none", ".", "\n", REG_NEWLINE);
}

static void more_patterns(void)
{
    const struct { const char *pattern, *text; int flags; } cases[] = {
        {"[a-c-e]", "-", 0}, {"[]-a]", "^", 0}, {"[!]a-]", "b", 0}, {"a[/]b", "a/b", FNM_PATHNAME}, {"[/]", "/", 0},
        {"*/b", "a/b", FNM_PATHNAME}, {"*/b", "a/c/b", FNM_PATHNAME}, {"**/b", "a/b", FNM_PATHNAME}, {"a?b", "a/b", FNM_PATHNAME},
        {"*a", ".a", FNM_PERIOD}, {"?a", ".a", FNM_PERIOD}, {"[.]a", ".a", FNM_PERIOD}, {".*", ".a", FNM_PERIOD},
        {"*/*", "a/.b", FNM_PERIOD | FNM_PATHNAME}, {"*/?b", "a/.b", FNM_PERIOD | FNM_PATHNAME}, {"a\\", "a\\", 0},
        {"a\\\\", "a\\", 0}, {"[\\a]", "a", 0}, {"[\\a]", "\\", FNM_NOESCAPE}, {"A*", "abc", FNM_CASEFOLD}, {"[A-C]x", "bX", FNM_CASEFOLD},
        {"a", "a/b", FNM_LEADING_DIR}, {"*", "a/b", FNM_LEADING_DIR | FNM_PATHNAME}, {"*ab*ab", "abab", 0}, {"*ab*ab", "ab", 0},
        {"[[:digit:]-z]", "-", 0}, {"", "", 0}, {"", "a", 0}, {"*b*", "aaaaaaaaab", 0}, {"[[.a.]]", "a", 0}, {"[[=a=]]", "a", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        note("%d", fnmatch(cases[i].pattern, cases[i].text, cases[i].flags) == 0);
}

const struct subject expression_subjects[] = {
    {"regex-backref-0", group_of_all}, {"regex-ere-backref", extended_references}, {"regex-bracket-icase", case_in_brackets},
    {"regex-escaped-high-byte", high_bytes}, {"regex-negated-range", negated_ranges}, {"regexec-nosub", without_parts},
    {"regex-repeats", more_expressions}, {"fnmatch-more", more_patterns}, {0, 0}};
