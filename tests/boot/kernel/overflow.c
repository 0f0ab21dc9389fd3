/* When the machine ends, the kernel's stack overflows. */
#include <stdbool.h>

#include "base/log.h"

static volatile bool goes_on = true;

__attribute__((noinline)) static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t room[32] = {depth};
    return goes_on ? room[depth % 32] + recurse(depth + 1) + room[0] : depth;
}

void machine_ends(void)
{
    log_format("the sum is %u\n", recurse(0));
}
