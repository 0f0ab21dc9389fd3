/* Indirect functions, and pages that are read-only once their slots are filled: at a program's start, and of what it opens. */
#include <stdint.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "atomic.h"
#include "tls.h"

void __run_resolvers(const struct start_resolver *resolvers, uint64_t count, const struct start_range *ranges,
                     uint64_t range_count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = ((uint64_t(*)(void))(uintptr_t)resolvers[i].function)() + resolvers[i].addend;
        memcpy((void *)(uintptr_t)resolvers[i].place, &value, sizeof value);
    }
    for (uint64_t i = 0; i < range_count; i++)
        if (sys_process_protect(sys_start_handle(START_HANDLE_SELF), ranges[i].address, ranges[i].size,
                                PROT_READ_ONLY | PROT_FINAL) != STATUS_OK)
            a_crash();
}
