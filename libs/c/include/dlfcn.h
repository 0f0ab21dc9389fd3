/* musl's header, and what this libc has more (as GNU's does, under _GNU_SOURCE). */
#include_next <dlfcn.h>

#if defined(_GNU_SOURCE) && !defined(RTLD_DEEPBIND)
#define RTLD_DEEPBIND 8

#ifdef __cplusplus
extern "C" {
#endif
void *dlvsym(void *__restrict handle, const char *__restrict name, const char *__restrict version);
#ifdef __cplusplus
}
#endif
#endif
