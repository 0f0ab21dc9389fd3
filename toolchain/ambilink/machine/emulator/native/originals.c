#include "native.h"

/* The linker makes one table of what REPLACES declares in all files. */
extern struct original __start_originals[] __attribute__((visibility("hidden"), weak));
extern struct original __stop_originals[] __attribute__((visibility("hidden"), weak));

EXPORT struct original *native_originals(size_t *count);

EXPORT struct original *native_originals(size_t *count)
{
    *count = (size_t)(__stop_originals - __start_originals);
    return __start_originals;
}
