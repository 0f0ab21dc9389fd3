/* What programs open, close and look up while they run. The same program prints the same under glibc:
 * tests/boot/test_opening.py. */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NEEDS_ALL
extern int opening_all;
int *needs_all = &opening_all;
#endif

static void *handles[4];

void *kept(int index)
{
    return handles[index];
}

void keep(int index, void *handle)
{
    handles[index] = handle;
}

const char *both(void)
{
    return "program";
}

static void *take(const char *name, int mode)
{
    char file[64];
    snprintf(file, sizeof file, "lib%s.so", name);
    void *handle = dlopen(file, mode);
    if (!handle)
        dlerror();
    return handle;
}

static long number(void *handle, const char *name)
{
    long (*function)(void) = handle ? (long (*)(void))dlsym(handle, name) : NULL;
    return function ? (int)function() : -1;
}

static const char *text(void *handle, const char *name)
{
    const char *(*function)(void) = handle ? (const char *(*)(void))dlsym(handle, name) : NULL;
    return function ? function() : "none";
}

static void ends(void)
{
    keep(0, take("plain", RTLD_NOW));
    void *closes = take("closes", RTLD_NOW);
    printf("closed %d\n", dlclose(closes));
    printf("plain is loaded %d\n", take("plain", RTLD_NOW | RTLD_NOLOAD) != NULL);

    closes = take("closes", RTLD_NOW);
    keep(0, closes);
    printf("closed %d, in its own destructor too\n", dlclose(closes));
    static const char *const others[] = {"owns", "opens", "visits"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        printf("%s\n", others[i]);
        void *other = take(others[i], RTLD_NOW);
        printf("closed %d\n", dlclose(other));
    }
    printf("closed %d what a destructor opened\n", dlclose(kept(2)));
    /* Two that close each other. */
    void *first = take("closes", RTLD_NOW), *second = take("closes2", RTLD_NOW);
    keep(0, second);
    printf("closed %d\n", dlclose(first));
}

static void scopes(void)
{
    void *self = dlopen(NULL, RTLD_NOW), *high = take("high", RTLD_NOW);
    printf("low: %ld %ld %d\n", number(high, "only_low"), number(self, "only_low"), dlsym(RTLD_DEFAULT, "only_low") != NULL);
    printf("uses: %d\n", take("uses", RTLD_NOW) != NULL);
    printf("the same: %d\n", take("high", RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL) == high);
    printf("low: %ld %d\n", number(self, "only_low"), dlsym(RTLD_DEFAULT, "only_low") != NULL);
    printf("high: %ld %ld\n", number(self, "only_high"), number(dlopen(NULL, RTLD_NOW), "only_high"));
    void *uses = take("uses", RTLD_NOW), *top = take("top", RTLD_NOW), *deep = take("deep", RTLD_NOW | RTLD_DEEPBIND);
    printf("uses: %ld %ld\n", number(uses, "uses"), number(self, "uses"));
    printf("both: %s %s %s %s\n", text(self, "both"), text(high, "both"), text(top, "both"), text(deep, "both"));
    printf("next: %s %s %s\n", text(high, "next_high"), text(top, "next_high"), text(top, "next_top"));
    printf("versions: %d %d\n", dlvsym(high, "only_high", "ABSENT_1") != NULL, dlvsym(high, "absent", "ABSENT_1") != NULL);
    printf("closed: %d %d %d\n", dlclose(top), dlclose(self), dlclose(self));
}

static void cycles(void)
{
    static const char *const names[] = {"x", "y", "z", "over", "k1", "k2", "k3", "j1", "j2", "j3", "j4"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        printf("open %s\n", names[i]);
        void *handle = take(names[i], RTLD_NOW);
        printf("close %d\n", dlclose(handle));
    }
    void *there = take("z", RTLD_NOW);
    printf("with what is there\n");
    void *handle = take("over", RTLD_NOW), *other = take("j3", RTLD_NOW);
    int closed = dlclose(handle);
    printf("close %d %d\n", closed, dlclose(other));
    printf("close %d\n", dlclose(there));
}

static void lazy(void)
{
    printf("now: %d\n", take("calls", RTLD_NOW) != NULL);
    printf("an object that wants them now: %d\n", take("callsnow", RTLD_LAZY) != NULL);
    printf("data: %d\n", take("reads", RTLD_LAZY) != NULL);
    printf("an address: %d\n", take("points", RTLD_LAZY) != NULL);
    printf("needed, now: %d\n", take("callsneeded", RTLD_NOW) != NULL);
    void *calls = take("calls", RTLD_LAZY), *needed = take("callsneeded", RTLD_LAZY);
    printf("lazy: %d %d\n", calls != NULL, needed != NULL);
    printf("%ld\n", number(calls, "calls_nothing"));
    printf("again, now: %d\n", take("calls", RTLD_NOW) != NULL);
    void *comes = take("comes", RTLD_NOW | RTLD_GLOBAL);
    printf("%ld\n", number(calls, "calls_later"));
    printf("closed %d\n", dlclose(comes));
    printf("%ld %ld\n", number(calls, "calls_later"), number(needed, "calls_later"));
    fflush(stdout);
    number(calls, "calls_never");
    printf("not reached\n");
}

static int highest_module(struct dl_phdr_info *info, size_t size, void *context)
{
    size_t *highest = context;
    if (info->dlpi_tls_modid > *highest)
        *highest = info->dlpi_tls_modid;
    return size == 0;
}

static size_t modules(void)
{
    size_t highest = 0;
    dl_iterate_phdr(highest_module, &highest);
    return highest;
}

/* Module numbers and blocks serve again, and what stays open keeps its own. */
static void locals(void)
{
    void *stays = take("locals2", RTLD_NOW);
    printf("%ld\n", number(stays, "count_local"));
    size_t before = modules(), most = 0;
    int good = 0;
    for (int i = 0; i < 60; i++) {
        void *large = take("locals", RTLD_NOW), *user = take("elsewhere", RTLD_NOW), *fixed = take("fixedlocal", RTLD_NOW);
        good += number(large, "count_local") == 7 && number(user, "count_elsewhere") == 6 && number(fixed, "count_static") == 10;
        most = modules() > most ? modules() : most;
        dlclose(i & 1 ? large : fixed);
        dlclose(user);
        dlclose(i & 1 ? fixed : large);
    }
    printf("%d good, %zu modules more, %zu at the end\n", good, most - before, modules() - before);
    printf("%ld\n", number(stays, "count_local"));
}

static void many(void)
{
    int sum = 0, opened = 0;
    char name[16];
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "many_%03d", i);
        void *handle = take(name, RTLD_NOW);
        opened += handle != NULL;
        sum += (int)number(handle, name);
    }
    printf("%d opened, sum %d\n", opened, sum);
    void *all = take("all", RTLD_NOW);
    printf("all: %d, closed %d\n", all != NULL, all ? dlclose(all) : -1);
}

/* Names that no request has room for are refused, with a reason. */
static void lengths(void)
{
    static char name[20000];
    for (size_t length = 10; length < sizeof name; length = length * 5 / 4) {
        memset(name, 'n', length);
        void *found = dlsym(RTLD_DEFAULT, name);
        const char *reason = dlerror();
        printf("%d %d", found != NULL, reason && strlen(reason) > 20);
        void *opened = dlopen(name, RTLD_NOW);
        reason = dlerror();
        printf(" %d %d\n", opened != NULL, reason && strlen(reason) > 20);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {{"ends", ends}, {"scopes", scopes}, {"cycles", cycles}, {"lazy", lazy}, {"locals", locals}, {"many", many}, {"lengths", lengths}};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if (argc > 1 && strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    printf("end\n");
    return 0;
}
