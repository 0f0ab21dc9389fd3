/* The caller's own at_quick_exit, as atexit.c. */
#include "dso_handle.h"

extern const char __dso_handle __attribute__((visibility("hidden")));

__attribute__((visibility("hidden"))) int at_quick_exit(void (*function)(void));
int at_quick_exit(void (*function)(void))
{
    return __cxa_at_quick_exit((handler *)function, (void *)&__dso_handle);
}
