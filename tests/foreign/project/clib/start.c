/* Where programs begin, with r12 as the loader or the kernel set it. */
#include "src/internal.h"

extern void (*__init_array_start[])(int, char **, char **) __attribute__((weak, visibility("hidden")));
extern void (*__init_array_end[])(int, char **, char **) __attribute__((weak, visibility("hidden")));
extern void (*__fini_array_start[])(void) __attribute__((weak, visibility("hidden")));
extern void (*__fini_array_end[])(void) __attribute__((weak, visibility("hidden")));
extern const uint8_t __ehdr_start[] __attribute__((weak, visibility("hidden")));

int main(int argc, char **argv);

__asm__(".globl _start\n"
        "_start: xorl %ebp, %ebp\n"
        "        movq %r12, %rdi\n"
        "        andq $-16, %rsp\n"
        "        call fern_begin\n"
        "        ud2\n");

__attribute__((visibility("hidden"))) void fern_begin(const struct fern_start *start)
{
    const struct static_tables tables = {
        __init_array_start, __init_array_end, __fini_array_start, __fini_array_end, __ehdr_start,
    };
    fernc_run(start, &tables, main);
}
