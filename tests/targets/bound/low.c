#include "bound.h"

_Thread_local long low_own = 5;
static _Thread_local long unseen = 6;
long low_data[3] = {1, 2, 3};
long *const low_pointer = &low_data[2]; /* an addend beside a symbol */

static int chosen_here(int x)
{
    return x + 10;
}

__attribute__((used)) static void *resolve_chosen(void)
{
    return (void *)chosen_here;
}
IFUNC(".globl", chosen, resolve_chosen);

static int local_here(int x)
{
    return x + 20;
}

__attribute__((used)) static void *resolve_local(void)
{
    return (void *)local_here;
}
int low_resolved_locally(int) __attribute__((visibility("hidden")));
IFUNC(".globl low_resolved_locally\n.hidden", low_resolved_locally, resolve_local);
static int (*const volatile local_pointer)(int) = low_resolved_locally;

int low_local_choice(int x)
{
    return local_pointer(x) + low_resolved_locally(0) + (int)unseen++;
}

int versioned_1(void)
{
    return 1;
}

int versioned_2(void)
{
    return 2;
}
__asm__(".symver versioned_1, versioned@LOW_1\n.symver versioned_2, versioned@@LOW_2");
