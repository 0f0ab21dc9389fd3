/* The loader's lines on the system's log. */
#ifndef LOG_H
#define LOG_H
#include "state.h"

/* One line, cut off where it is too long. It gets the loader's name. Of printf's conversions it knows %s, %u, %llu, %lld,
 * %zu and %llx: a C library's own would be a tenth of this program. */
__attribute__((format(printf, 2, 3))) void report(const struct loader *loader, const char *format, ...);
#endif
