/* atexit and at_quick_exit for callers that do not bring their own (libs/dso_handle): a handler belongs to the object
 * that it lies in. */
#include <stdint.h>
#include <stdlib.h>

#include "libc.h"

typedef void handler(void *argument);

int __cxa_atexit(handler *function, void *argument, void *object);
int __cxa_at_quick_exit(handler *function, void *object);

weak int atexit(void (*function)(void))
{
    return __cxa_atexit((handler *)(uintptr_t)function, 0, 0);
}

weak int at_quick_exit(void (*function)(void))
{
    return __cxa_at_quick_exit((handler *)(uintptr_t)function, 0);
}
