#include "bound.h"

static _Thread_local char block[3] = {1};
int hook(void) __attribute__((weak));

int (*const high_pointer_to_chosen)(int) = chosen;

int high_calls_chosen(int x)
{
    return chosen(x);
}

long high_own(long more)
{
    low_own += more;
    return low_own + block[0];
}

int high_hooked(void)
{
    return hook ? hook() : 0;
}
