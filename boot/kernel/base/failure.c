#include "base/failure.h"

#include "base/log.h"

/* In .data although it is zero: it is written in the image's file. */
uint64_t failing_allocation __attribute__((section(".data")));

bool failure_made;

__attribute__((noinline, cold)) bool failure_report(void)
{
    failure_made = true;
    log_format("kernel: an allocation fails, as the boot image asks\n");
    return true;
}
