/* The table of checks. */
#include "checks.h"

static void (*const checks[])(void) = {
    check_faults,
    check_debug,
    check_control,
    check_paging,
    check_protection,
    check_x87,
    check_sse,
    check_serial,
    check_timer_device,
    check_pic,
    check_cmos,
    check_keyboard,
    check_ports,
    check_counter,
    check_acpi,
    check_local_apic,
    check_io_apic,
    check_firmware,
};

void checks_run(void)
{
    for (unsigned i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i]();
}
