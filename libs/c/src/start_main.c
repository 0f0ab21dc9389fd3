/* musl's own, but that no group of system calls comes into each static program by it: it opens /dev/null where a program has
 * more rights than its starter, which is nowhere here. */
#define POSIX_GROUPS_H

static inline void posix_needs(long number)
{
    (void)number;
}

#include "../env/__libc_start_main.c"
