/* What an object has of its own: arguments, thread-local data, objects that are opened, functions by type. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <tgmath.h>
#include <unistd.h>

#include "subject.h"

extern char **environ;

#define LIBRARY "libtest-subject.so" /* dso/subject.c */

/* Each with an alignment, and bytes before it that are in its way. */
#define ALIGNED(name, unit)                        \
    static __thread char before_##name = 1;        \
    static __thread _Alignas(unit) char name = unit % 127; \
    static __thread _Alignas(unit) char zero_##name
ALIGNED(by_1, 1);
ALIGNED(by_2, 2);
ALIGNED(by_16, 16);
ALIGNED(by_64, 64);
ALIGNED(by_256, 256);
ALIGNED(by_4096, 4096);

static void *look_at_alignment(void *argument)
{
    uintptr_t wrong = 0;
#define LOOK(unit) \
    wrong |= (uintptr_t)&by_##unit % unit | (uintptr_t)&zero_by_##unit % unit; \
    wrong |= by_##unit != unit % 127 || zero_by_##unit || before_by_##unit != 1; \
    by_##unit++, zero_by_##unit++, before_by_##unit++
    LOOK(1);
    LOOK(2);
    LOOK(16);
    LOOK(64);
    LOOK(256);
    LOOK(4096);
    (void)argument;
    return (void *)wrong;
}

static void in_threads(void *(*run)(void *), void *argument)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        HOLDS(!pthread_create(&threads[i], 0, run, argument));
    for (int i = 0; i < 3; i++) {
        void *result = &result;
        HOLDS(!pthread_join(threads[i], &result) && !result);
    }
}

static void alignments(void)
{
    in_threads(look_at_alignment, 0);
    static int looked;
    HOLDS(looked++ || !look_at_alignment(0));
}

static __thread long given[3] = {1, 2, 3}, *pointer = 0, zeros[100];
static __thread const char *text = "initial";

static void *look_at_values(void *argument)
{
    long wrong = given[0] != 1 || given[2] != 3 || pointer || strcmp(text, "initial");
    for (int i = 0; i < 100; i++)
        wrong |= zeros[i]++;
    given[0] = 9, pointer = given, text = argument;
    return (void *)wrong;
}

static void values(void)
{
    in_threads(look_at_values, "changed");
    in_threads(look_at_values, "again");
}

static void words(void)
{
    HOLDS(environ && getauxval(AT_PAGESZ) == 4096);
    for (char **each = environ; *each; each++)
        HOLDS(strchr(*each, '=') != 0);
    HOLDS(argument_count >= 1 && given_arguments[0] && *given_arguments[0] && !given_arguments[argument_count]);
}

static int by_length(const void *a, const void *b)
{
    const size_t one = strlen(a), two = strlen(b);
    return one < two ? -1 : one > two;
}

static void linear(void)
{
    char words[8][8] = {"a", "bb", "ccc"}, *found;
    size_t count = 3;
    HOLDS(lfind("xx", words, &count, 8, by_length) == words[1] && count == 3);
    HOLDS(!lfind("xxxx", words, &count, 8, by_length));
    HOLDS((found = lsearch("dddd\0\0\0", words, &count, 8, by_length)) == words[3] && count == 4 && !strcmp(found, "dddd"));
    HOLDS(lsearch("eeee\0\0\0", words, &count, 8, by_length) == words[3] && count == 4 && words[3][0] == 'd');
    count = 0;
    HOLDS(!lfind("a", words, &count, 8, by_length) && lsearch("z\0\0\0\0\0\0", words, &count, 8, by_length) == words[0] && words[0][0] == 'z');
}

/* Which of the functions of a name is chosen, by its precision. */
static void by_type(void)
{
    float f = 0.1f;
    double d = 0.1;
    long double l = 0.1L;
    int i = 2;
    HOLDS(sizeof sqrt(f) == sizeof f && sizeof sqrt(d) == sizeof d && sizeof sqrt(l) == sizeof l && sizeof sqrt(i) == sizeof d);
    HOLDS(sizeof pow(f, f) == sizeof f && sizeof pow(f, i) == sizeof d && sizeof pow(d, l) == sizeof l);
    HOLDS(sqrt(f) == sqrtf(f) && sqrt(l) == sqrtl(l) && sqrt(i) == (sqrt)(2.0));
    HOLDS(exp(f) == expf(f) && exp(f) != (exp)(0.1));
    HOLDS(sizeof ldexp(f, 1) == sizeof f && sizeof frexp(l, &i) == sizeof l && sizeof lrint(l) == sizeof(long));
    float _Complex c = 1;
    HOLDS(sizeof sqrt(c) == sizeof c && sizeof fabs(c) == sizeof f && sizeof creal(c) == sizeof f && sizeof carg(l) == sizeof l);
    HOLDS(fmax(f, l) == l || fmax(f, l) == f);
    HOLDS(ilogb(l) == -4 && fma(i, i, i) == 6 && remainder(d, i) == 0.1);
}

static void opened(void)
{
    void *self = dlopen(0, RTLD_LAZY), *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    HOLDS(self && library);
    if (!library) {
        note("%s", dlerror());
        return;
    }
    int *number = dlsym(library, "subject_number"), (*add)(int) = (int (*)(int))dlsym(library, "subject_add");
    HOLDS(number && add && *number == 1 && add(4) == 5 && *number == 5);
    HOLDS(!dlsym(self, "subject_number") && dlerror());
    HOLDS(!dlsym(library, "subject_none") && dlerror() && !dlerror());
    HOLDS(dlsym(self, "malloc") && dlsym(RTLD_DEFAULT, "printf"));
    void *global = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
    HOLDS(global == library && dlsym(self, "subject_number") == number);
    Dl_info where;
    HOLDS(dladdr((void *)(uintptr_t)add, &where) && !strcmp(where.dli_sname, "subject_add") && strstr(where.dli_fname, LIBRARY));
    HOLDS(!dlclose(global) && !dlclose(library));
    HOLDS(!dlopen("libnone.so", RTLD_NOW) && dlerror());
    dlclose(self);
}

static pthread_barrier_t both;
static void *library;

/* It began before the library came. */
static void *look_early(void *argument)
{
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    long (*wrong)(void) = (long (*)(void))(uintptr_t)argument;
    (void)argument;
    wrong = (long (*)(void))dlsym(library, "subject_wrong_alignment");
    long (*unset)(void) = (long (*)(void))dlsym(library, "subject_wrong_values");
    return (void *)(wrong ? wrong() | unset() : -1);
}

static void opened_while_running(void)
{
    pthread_t threads[3];
    pthread_barrier_init(&both, 0, 4);
    for (int i = 0; i < 3; i++)
        HOLDS(!pthread_create(&threads[i], 0, look_early, 0));
    pthread_barrier_wait(&both);
    HOLDS((library = dlopen(LIBRARY, RTLD_NOW)) != 0);
    pthread_barrier_wait(&both);
    for (int i = 0; i < 3; i++) {
        void *result = &result;
        HOLDS(!pthread_join(threads[i], &result) && !result);
    }
    HOLDS(!dlclose(library));
}

static void *look_late(void *argument)
{
    long (*wrong)(void) = (long (*)(void))(uintptr_t)argument;
    return (void *)wrong();
}

static void opened_data(const char *function)
{
    library = dlopen(LIBRARY, RTLD_NOW);
    void *wrong = library ? dlsym(library, function) : 0;
    HOLDS(wrong != 0);
    if (wrong)
        in_threads(look_late, wrong);
}

static void opened_alignments(void)
{
    opened_data("subject_wrong_alignment");
}

static void opened_values(void)
{
    opened_data("subject_wrong_values");
}

const struct subject local_subjects[] = {
    {"tls_align", alignments}, {"tls_init", values}, {"argv", words}, {"search_lsearch", linear}, {"tgmath", by_type},
    {"dlopen", opened, 1}, {"tls_align_dlopen", opened_alignments, 1}, {"tls_init_dlopen", opened_values, 1},
    {"tls_get_new-dtv", opened_while_running, 1}, {0, 0}};
