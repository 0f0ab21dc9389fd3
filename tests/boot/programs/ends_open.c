/* Libraries with thread-local data of each kind are opened, used and closed again and again: nothing is lost, and the same
 * addresses serve again. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "counts.h"

int plugin_events; /* the library counts in it */

static uint64_t lowest = UINT64_MAX, highest;

static long call(void *handle, const char *name)
{
    long (*function)(void) = handle ? (long (*)(void))dlsym(handle, name) : NULL;
    return function ? function() : -1;
}

static bool cycle(void)
{
    void *plugin = dlopen("libplugin.so", RTLD_NOW), *fixed = dlopen("libfixed.so", RTLD_NOW);
    /* Blocks that are made when they are asked for, by either way, and one in the thread's static block. */
    if (call(plugin, "plugin_bump") != 41 || call(plugin, "plugin_descriptor") <= 0 || call(fixed, "fixed_sum") != 11)
        return false;
    Dl_info info;
    void *symbol = plugin ? dlsym(plugin, "plugin_bump") : NULL;
    if (!symbol || !dladdr(symbol, &info))
        return false;
    uint64_t base = (uint64_t)info.dli_fbase;
    lowest = base < lowest ? base : lowest;
    highest = base > highest ? base : highest;
    return dlclose(fixed) == 0 && dlclose(plugin) == 0;
}

int main(int argc, char **argv)
{
    CHECK(cycles_are_even(argc, argv, cycle, "a library is opened and closed"));
    CHECK(highest - lowest < 2 << 20);
    return checks_finish("open");
}
