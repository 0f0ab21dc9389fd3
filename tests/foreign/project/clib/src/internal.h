#ifndef FERNC_INTERNAL_H
#define FERNC_INTERNAL_H
#include <fern/call.h>
#include <fern/start.h>
#include <fernc.h>

/* Tables of a static program, which its own start code knows; a dynamic one's come from the loader. */
struct static_tables {
    void (**first_initializer)(int, char **, char **), (**last_initializer)(int, char **, char **);
    void (**first_finalizer)(void), (**last_finalizer)(void);
    const uint8_t *header; /* ELF */
};

__attribute__((noreturn)) void fernc_run(const struct fern_start *start, const struct static_tables *tables,
                                         int (*main)(int, char **));

#pragma GCC visibility push(hidden)
extern const struct fern_start *fernc_start; /* NULL: static */
int64_t fernc_ask(enum fern_ask kind, uint64_t value, const char *text, void *answer, uint64_t size);
#pragma GCC visibility pop
#endif
