/* The first code of every program: what the loader left to do, then main. */
#include <loaderkit/program.h>
#include <system.h>

int main(int argc, char **argv, char **environment);

__asm__(".globl _start\n_start:\n    xorl %ebp, %ebp\n    movq %rsp, %rdi\n    andq $-16, %rsp\n    call program_start\n");

/* The stack of System V: argc, argv, NULL, environment, NULL, pairs of type and value. */
_Noreturn void program_start(uint64_t *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1), **environment = argv + argc + 1, **last = environment;
    while (*last)
        last++;
    const uint64_t *pair = (const uint64_t *)(last + 1);
    while (pair[0] && pair[0] != AT_START)
        pair += 2;
    const struct start_info *info = (const struct start_info *)(uintptr_t)pair[1];
    system_begin(info);
    program_initialize(info, argc, argv, environment, NULL);
    int status = main(argc, argv, environment);
    program_finalize(info);
    system_exit(status);
}
