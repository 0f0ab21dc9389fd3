/* Objects that are opened while a program runs: tests/boot/opening.py compiles this file once for each kind, and links it
 * under as many names as are wanted. The same files are opened here and on the development machine. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Which of them this is: the file's name, without "lib" and ".so". */
static const char *own_name(void)
{
    static char name[32];
    Dl_info info;
    if (!*name && dladdr((void *)own_name, &info)) {
        const char *base = strrchr(info.dli_fname, '/');
        base = (base ? base + 1 : info.dli_fname) + strlen("lib");
        memcpy(name, base, strcspn(base, "."));
    }
    return name;
}

/* Of the program. */
void *kept(int index);
void keep(int index, void *handle);

#ifdef PLAIN
__attribute__((constructor)) static void begin(void)
{
    printf("+%s\n", own_name());
}

__attribute__((destructor)) static void end(void)
{
    printf("-%s\n", own_name());
}
#endif

#ifdef CLOSES /* what the program keeps under 0, when it ends itself */
__attribute__((destructor)) static void end(void)
{
    printf("-%s(\n", own_name());
    int result = dlclose(kept(0));
    printf("-%s %d\n", own_name(), result);
}
#endif

#ifdef OWNS /* another object, as long as it is there itself */
__attribute__((constructor)) static void begin(void)
{
    keep(1, dlopen("libplain.so", RTLD_NOW));
    printf("+%s %d\n", own_name(), kept(1) != NULL);
}

__attribute__((destructor)) static void end(void)
{
    int result = dlclose(kept(1));
    printf("-%s %d\n", own_name(), result);
}
#endif

#ifdef OPENS /* another object, when it ends */
__attribute__((destructor)) static void end(void)
{
    printf("-%s(\n", own_name());
    keep(2, dlopen("libplain.so", RTLD_NOW));
    printf("-%s %d\n", own_name(), kept(2) != NULL);
}
#endif

#ifdef VISITS /* another object, and itself, while it is constructed */
__attribute__((constructor)) static void begin(void)
{
    void *plain = dlopen("libplain.so", RTLD_NOW);
    printf("%s closes %d\n", own_name(), dlclose(plain));
    void *self = dlopen("libvisits.so", RTLD_NOW);
    printf("%s closes itself %d\n", own_name(), dlclose(self));
}

__attribute__((destructor)) static void end(void)
{
    printf("-%s\n", own_name());
}
#endif

#ifdef NAMES /* what is defined in several */
#define NAME(a, b) a##b
#define OWN(a, b) NAME(a, b)

int OWN(only_, NAMES)(void)
{
    return 1;
}

const char *both(void)
{
    return own_name();
}

const char *OWN(next_, NAMES)(void)
{
    const char *(*next)(void) = (const char *(*)(void))dlsym(RTLD_NEXT, "both");
    return next ? next() : "none";
}
#endif

#ifdef USES /* what another object must have opened for all */
extern int only_low(void);

int uses(void)
{
    return 10 + only_low();
}
#endif

#ifdef CALLS /* functions that nothing defines, or that come later */
extern double comes_later(int first, double second, const char *third, ...);
extern int never_comes(void);

int calls_nothing(void)
{
    return 5;
}

int calls_later(void)
{
    return (int)comes_later(1, 2.5, "three", 4.25, 5);
}

int calls_never(void)
{
    return never_comes();
}
#endif

#ifdef COMES
#include <stdarg.h>

double comes_later(int first, double second, const char *third, ...)
{
    va_list more;
    va_start(more, third);
    double fourth = va_arg(more, double);
    int fifth = va_arg(more, int);
    va_end(more);
    return 1000 * first + 10 * second + (double)strlen(third) + 4 * fourth + fifth;
}
#endif

#ifdef READS /* data cannot wait */
extern int never_there;

int reads(void)
{
    return never_there;
}
#endif

#ifdef NEVER /* the image has what is missed elsewhere, but nothing opens it */
int never_there;

int never_comes(void)
{
    return 0;
}
#endif

#ifdef POINTS /* nor can addresses */
extern int never_comes(void);

void *points(void)
{
    return (void *)never_comes;
}
#endif

#ifdef LOCAL /* thread-local data, of a size that a thread's block has no room for */
__thread long local[LOCAL] = {5};
__thread char zero[LOCAL];

long count_local(void)
{
    zero[1]++;
    return ++local[0] + zero[1];
}
#endif

#ifdef LOCAL_ELSEWHERE
extern __thread long local[];

long count_elsewhere(void)
{
    return ++local[0];
}
#endif

#ifdef LOCAL_STATIC
static __thread long fixed __attribute__((tls_model("initial-exec"))) = 9;

long count_static(void)
{
    return ++fixed;
}
#endif

#ifdef MANY
static int count = 1;

__attribute__((constructor)) static void begin(void)
{
    count += 3;
}

int many_000(void)
{
    return count;
}
#endif
