/* What libc asks of libposix beside Linux' system calls, by numbers of posix_system_call that Linux has not. */
#ifndef POSIX_SPAWN_H
#define POSIX_SPAWN_H
#include <stdint.h>

/* path, argv, envp, struct posix_spawn_with; the number of the child, or a negative error number. */
#define POSIX_CALL_SPAWN 0x10000
/* The first stack, as the start code found it; where it lies now, with what the starter gave the process. */
#define POSIX_CALL_TAKE_GIVEN 0x10001

enum posix_spawn_step_kind { POSIX_SPAWN_CLOSE = 1, POSIX_SPAWN_DUP2, POSIX_SPAWN_OPEN, POSIX_SPAWN_CHDIR, POSIX_SPAWN_FCHDIR };

/* Done in their order to the child's descriptors. */
struct posix_spawn_step {
    int kind, number, from, flags; /* number: of the child; from: DUP2's other one */
    const char *path;
};

struct posix_spawn_with {
    const struct posix_spawn_step *steps;
    unsigned step_count;
    uint64_t mask;      /* signals that the child does not take at first */
    uint64_t defaulted; /* signals that are not ignored there, though they are here */
};
#endif
