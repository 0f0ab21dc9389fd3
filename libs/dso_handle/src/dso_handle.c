/* One for each program and shared object that registers a function for its end. What is registered is known by the
 * address of __dso_handle (Itanium C++ ABI 3.3.6); what is left when the object goes runs then
 * (libs/c/src/atexit.c). */
#include "dso_handle.h"

extern const char __dso_handle;
__attribute__((visibility("hidden"))) const char __dso_handle = 0;

/* After the object's destructors without a priority, and before those with one: where compilers' start files have
 * it. */
__attribute__((destructor(65534))) static void run_handlers(void)
{
    __cxa_finalize((void *)&__dso_handle);
}
