/* The exit status counts what went well. */
#include "bound.h"

int getpid(void);
int absent(void) __attribute__((weak));
static _Thread_local long own[2] = {7, 8};
static long *const words[] = {&low_data[1], 0};

int hook(void)
{
    return 9;
}

int begin(void)
{
    int good = 0;
    good += chosen(1) == 11;
    good += high_calls_chosen(2) == 12;
    good += high_pointer_to_chosen(3) == 13;
    good += high_pointer_to_chosen == chosen;
    good += low_local_choice(1) == 21 + 20 + 6;
    good += versioned() == 2;
    good += high_own(1) == 7 && low_own == 6;
    good += own[0] + own[1] == 15;
    good += *words[0] == 2 && *low_pointer == 3;
    good += high_hooked() == 9;
    good += absent == 0;
    good += getpid() > 0;
    return good;
}
