/* A driver that is wrong: the kernel reports where, and which kernel it is. */
#include <kernel/module.h>

static __attribute__((noinline)) void touch(volatile uint64_t *nothing)
{
    *nothing = 1;
}

__attribute__((constructor)) static void start(void)
{
    touch((volatile uint64_t *)0x1230);
}
