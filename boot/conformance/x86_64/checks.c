/* The table of checks. */
#include "checks.h"

static void (*const checks[])(void) = {
    check_faults,
    check_control,
    check_paging,
    check_protection,
    check_x87,
    check_sse,
};

void checks_run(void)
{
    for (unsigned i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i]();
}
