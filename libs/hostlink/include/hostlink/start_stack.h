/* The first stack of a process: argc, argv, environment, auxiliary vector (System V gABI; psABI 3.4.1). */
#ifndef HOSTLINK_START_STACK_H
#define HOSTLINK_START_STACK_H
#include <hostlink/shared_area.h>
#include <stdint.h>

struct start_stack {
    const char *name;            /* argv[0] */
    const char *path;            /* AT_EXECFN; NULL: the name */
    const char *const *arguments; /* after the name */
    uint64_t argument_count;
    const char *const *environment;
    uint64_t environment_count;
    uint64_t program_headers, program_header_count;
    uint64_t base;               /* of the interpreter; 0: none */
    uint64_t entry;              /* the program's own */
    uint64_t start_info;         /* AT_START; 0: left out */
    uint64_t random[2];          /* what AT_RANDOM leads to */
};

/* Bytes below the first stack pointer that are there when a program starts: most programs need no more. */
#define START_STACK_PRESENT 16384

/* The bytes that it takes at the end of an area, at least. */
uint64_t start_stack_size(const struct start_stack *stack);
/* Write it to the end of an area; the initial stack pointer, or 0: more than half of the area would be taken. */
uint64_t start_stack_write(const struct shared_area *area, const struct start_stack *stack);
#endif
