/* A library that is opened at run time: thread-local data, constructors, an indirect function, a dependence. */
#include "colour.h"

extern int plugin_events __attribute__((weak)); /* the program's */

_Thread_local long plugin_counter __attribute__((aligned(128))) = 40;
_Thread_local char plugin_zeroed[5000];

__attribute__((constructor)) static void begin(void)
{
    plugin_events = plugin_events * 10 + 1;
}

__attribute__((destructor)) static void end(void)
{
    plugin_events = plugin_events * 10 + 2;
}

/* The resolver uses a relocated word, so it must run when all others are done. */
static long seven(void)
{
    return 7;
}

static long (*const answers[])(void) = {seven};

__attribute__((visibility("hidden"), used)) void *plugin_choose(void)
{
    return (void *)answers[0];
}

__asm__(".text\n.globl plugin_chosen\n.type plugin_chosen, @gnu_indirect_function\n"
        ".set plugin_chosen, plugin_choose\n");
long plugin_chosen(void);
long (*plugin_table[])(void) = {plugin_chosen};

long plugin_call_chosen(void)
{
    return plugin_chosen() * 10 + plugin_table[0]();
}

long plugin_bump(void)
{
    return ++plugin_counter + plugin_zeroed[4999];
}

int plugin_colour(void)
{
    return colour_of_shape();
}

__attribute__((noinline)) int plugin_interposed(void)
{
    return 1;
}

int (*plugin_pointer)(void) = plugin_interposed;
