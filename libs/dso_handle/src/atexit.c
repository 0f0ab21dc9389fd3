/* The caller's own atexit: libc cannot know who calls it. */
#include "dso_handle.h"

extern const char __dso_handle __attribute__((visibility("hidden")));

__attribute__((visibility("hidden"))) int atexit(void (*function)(void));
int atexit(void (*function)(void))
{
    /* It gets one argument more, as with every caller of a function without a prototype. */
    return __cxa_atexit((handler *)function, 0, (void *)&__dso_handle);
}
