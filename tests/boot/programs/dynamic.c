/* dlopen and its relatives in a service; the loader does the work from another address space. */
#include <ambilink/start.h>
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <system/start.h>

#include "check.h"

int plugin_events = 3;
int own_data = 5;

int plugin_interposed(void)
{
    return 2;
}

static long call(void *handle, const char *name)
{
    long (*function)(void) = (long (*)(void))dlsym(handle, name);
    return function ? function() : -1;
}

static int count_objects(struct dl_phdr_info *info, size_t size, void *count)
{
    CHECK(size >= sizeof *info);
    CHECK(info->dlpi_phnum && info->dlpi_phdr);
    ++*(int *)count;
    return 0;
}

static int objects(void)
{
    int count = 0;
    CHECK(dl_iterate_phdr(count_objects, &count) == 0);
    return count;
}

static void refused(void)
{
    CHECK(!dlopen("libabsent.so", RTLD_NOW));
    const char *error = dlerror();
    CHECK(error && strstr(error, "libabsent.so"));
    CHECK(!dlerror());
    CHECK(!dlopen("libplugin.so", RTLD_NOW | RTLD_NOLOAD));
    CHECK(!dlsym(RTLD_DEFAULT, "plugin_bump"));
    CHECK(dlclose(&own_data) != 0);
}

static void opened(void)
{
    int before = objects();
    void *plugin = dlopen("libplugin.so", RTLD_NOW);
    CHECK(plugin);
    if (!plugin) {
        printf("FAIL: %s\n", dlerror());
        return;
    }
    CHECK(plugin_events == 31);
    CHECK(objects() == before + 3);
    CHECK(dlopen("libplugin.so", RTLD_LAZY) == plugin);
    CHECK(call(plugin, "plugin_bump") == 41);
    long *counter = dlsym(plugin, "plugin_counter");
    CHECK(counter && *counter == 41 && (uintptr_t)counter % 128 == 0);
    CHECK(call(plugin, "plugin_descriptor") == (long)(uintptr_t)counter);
    CHECK(call(plugin, "plugin_call_chosen") == 77);
    CHECK(call(plugin, "plugin_chosen") == 7);
    CHECK(call(plugin, "plugin_colour") == 40 + 's');
    CHECK(call(plugin, "shape_area") == -1 || dlsym(plugin, "shape_area"));
    int (**pointer)(void) = dlsym(plugin, "plugin_pointer");
    CHECK(pointer && (*pointer)() == 2); /* the program comes first */
    CHECK(!dlsym(RTLD_DEFAULT, "plugin_bump"));
    CHECK(dlopen("libplugin.so", RTLD_NOW | RTLD_GLOBAL) == plugin);
    CHECK(dlsym(RTLD_DEFAULT, "plugin_bump") == dlsym(plugin, "plugin_bump"));

    Dl_info info;
    void *bump = dlsym(plugin, "plugin_bump");
    CHECK(dladdr((char *)bump + 1, &info) && info.dli_saddr == bump && strcmp(info.dli_sname, "plugin_bump") == 0);
    CHECK(strcmp(info.dli_fname, "libplugin.so") == 0);
    CHECK(memcmp(info.dli_fbase, "\177ELF", 4) == 0);

    CHECK(dlclose(plugin) == 0 && dlclose(plugin) == 0);
    CHECK(plugin_events == 31);
    CHECK(dlclose(plugin) == 0);
    CHECK(plugin_events == 312);
    CHECK(objects() == before);
    CHECK(!dlsym(RTLD_DEFAULT, "plugin_bump"));

    /* Fresh data for the next one. */
    plugin = dlopen("libplugin.so", RTLD_NOW);
    CHECK(call(plugin, "plugin_bump") == 41);
    CHECK(dlclose(plugin) == 0);
    for (int i = 0; i < 20; i++) {
        void *again = dlopen("libplugin.so", RTLD_NOW);
        CHECK(again && call(again, "plugin_bump") == 41);
        CHECK(dlclose(again) == 0);
    }
}

static void fixed_offset(void)
{
    void *fixed = dlopen("libfixed.so", RTLD_NOW);
    CHECK(fixed);
    CHECK(call(fixed, "fixed_sum") == 11);
    CHECK(call(fixed, "fixed_sum") == 12);
    long *data = dlsym(fixed, "fixed_data");
    CHECK(data && data[0] == 3);
    CHECK(dlclose(fixed) == 0);
    /* Its room and its module number are given to the next. */
    for (int i = 0; i < 40; i++) {
        fixed = dlopen("libfixed.so", RTLD_NOW);
        CHECK(fixed && call(fixed, "fixed_sum") == 11);
        CHECK(dlclose(fixed) == 0);
    }
    void *plugin = dlopen("libplugin.so", RTLD_NOW);
    CHECK(call(plugin, "plugin_bump") == 41);
    CHECK(dlclose(plugin) == 0);
}

/* Names outlive the requests that they came with. */
static void names(void)
{
    void *fixed = dlopen("libfixed.so", RTLD_NOW), *plugin = dlopen("libplugin.so", RTLD_NOW);
    CHECK(fixed && plugin && fixed != plugin);
    CHECK(!dlopen("libabsent.so", RTLD_NOW));
    CHECK(dlopen("libfixed.so", RTLD_NOW | RTLD_NOLOAD) == fixed && dlclose(fixed) == 0);
    CHECK(dlopen("libplugin.so", RTLD_NOW | RTLD_NOLOAD) == plugin && dlclose(plugin) == 0);
    CHECK(!dlopen("libabsent.so", RTLD_NOW | RTLD_NOLOAD));
    Dl_info info;
    CHECK(dladdr(dlsym(fixed, "fixed_sum"), &info) && strcmp(info.dli_fname, "libfixed.so") == 0);
    CHECK(dladdr(dlsym(plugin, "plugin_bump"), &info) && strcmp(info.dli_fname, "libplugin.so") == 0);
    CHECK(dlclose(plugin) == 0 && dlclose(fixed) == 0);
}

static void scopes(void)
{
    void *self = dlopen(NULL, RTLD_NOW);
    CHECK(self && dlsym(self, "own_data") == &own_data);
    CHECK(dlsym(RTLD_DEFAULT, "own_data") == &own_data);
    CHECK(!dlsym(RTLD_NEXT, "own_data"));
    CHECK(dlsym(RTLD_NEXT, "strlen") == (void *)strlen);
}

/* What a debugger does: DT_DEBUG, then the list. */
static void debugger(void)
{
    const struct r_debug *debug = NULL;
    extern const ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
    for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
        if (entry->d_tag == DT_DEBUG)
            debug = (const struct r_debug *)entry->d_un.d_ptr;
    CHECK(debug && debug->r_version == 1 && debug->r_brk && debug->r_state == 0);
    int count = 0, has_libc = 0;
    for (const struct link_map *map = debug ? debug->r_map : NULL; map; map = map->l_next) {
        count++;
        has_libc += strcmp(map->l_name, "libc.so") == 0;
        CHECK(!map->l_next || map->l_next->l_prev == map);
        CHECK(map->l_ld);
    }
    CHECK(count == objects() && has_libc == 1);
}

int main(void)
{
    refused();
    debugger();
    opened();
    fixed_offset();
    names();
    scopes();
    debugger();
    return checks_finish("dynamic");
}
