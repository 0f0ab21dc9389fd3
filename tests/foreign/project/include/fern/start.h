/* What the loader leaves on the stack of a program, its address in r12; 0: the kernel started a static program. */
#ifndef FERN_START_H
#define FERN_START_H
#include <stdint.h>

struct start_info; /* <ambilink/start.h> */

#define FERN_ARGUMENTS_MAX 8

struct fern_start {
    const struct start_info *info;
    uint64_t thread_pointer;
    uint64_t argument_count;
    char *arguments[FERN_ARGUMENTS_MAX];
};

/* Questions of programs to the loader (struct fern_question), and answers. */
enum fern_ask {
    FERN_ASK_OPEN,   /* text: name; struct fern_opened or, with the result -1, a message */
    FERN_ASK_SYMBOL, /* value: handle, text: name; struct fern_symbol */
    FERN_ASK_TLS,    /* value: module; struct start_tls */
    FERN_ASK_CLOSE,  /* value: handle; finalizers, how many is the result */
    FERN_ASK_SWEEP,
};

#define FERN_FUNCTIONS_MAX 30
struct fern_opened {
    uint64_t handle, count;
    uint64_t initializer[FERN_FUNCTIONS_MAX];
};
struct fern_symbol {
    uint64_t address, module; /* module: of thread-local data, and the address is an offset; 0: other */
};
#endif
