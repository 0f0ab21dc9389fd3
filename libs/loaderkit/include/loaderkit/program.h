/* For the start code of programs: what the start block (<ambilink/start.h>) leaves to do in the process. Needs no library.
 *
 *     program_initialize   before main: indirect functions, then constructors, those of libraries first
 *     program_finalize     after main: destructors, in reverse
 *     program_tls_address  what __tls_get_addr returns, for all that was there at the start */
#ifndef LOADERKIT_PROGRAM_H
#define LOADERKIT_PROGRAM_H
#include <ambilink/start.h>
#include <stddef.h>
#include <stdint.h>

typedef void program_initializer(int argc, char **argv, char **environment);

/* `protect` makes pages read-only that waited for indirect functions; NULL: they stay writable. */
static inline void program_initialize(const struct start_info *info, int argc, char **argv, char **environment,
                                      void (*protect)(uint64_t address, uint64_t size))
{
    const struct start_resolver *resolver = (const struct start_resolver *)(uintptr_t)info->resolvers;
    for (uint64_t i = 0; i < info->resolver_count; i++, resolver++)
        *(uint64_t *)(uintptr_t)resolver->place = ((uint64_t (*)(void))(uintptr_t)resolver->function)() + resolver->addend;
    const struct start_range *relro = (const struct start_range *)(uintptr_t)info->relro;
    for (uint64_t i = 0; protect && i < info->relro_count; i++)
        protect(relro[i].address, relro[i].size);
    const uint64_t *initializer = (const uint64_t *)(uintptr_t)info->initializers;
    for (uint64_t i = 0; i < info->initializer_count; i++)
        ((program_initializer *)(uintptr_t)initializer[i])(argc, argv, environment);
}

static inline void program_finalize(const struct start_info *info)
{
    const uint64_t *finalizer = (const uint64_t *)(uintptr_t)info->finalizers;
    for (uint64_t i = 0; i < info->finalizer_count; i++)
        ((void (*)(void))(uintptr_t)finalizer[i])();
}

/* `thread_pointer` is the thread's; NULL: the module came later. */
static inline void *program_tls_address(const struct start_info *info, uint64_t thread_pointer, uint64_t module,
                                        uint64_t offset)
{
    const struct start_tls *tls = (const struct start_tls *)(uintptr_t)info->tls;
    return module && module <= info->tls_count ? (void *)(uintptr_t)(thread_pointer - tls[module - 1].offset + offset)
                                               : NULL;
}
#endif
