/* Runs hostile programs, one after the other, beside the system's normal services, which must still answer after each:
 * files are read, names looked up, text is printed, the loader service starts a program and is asked for its processes.
 * Each must end with status 0, but for one whose name follows a "?", which may end itself in any way. */
#include <protocol/loader.h>
#include <stdbool.h>
#include <stdio.h>

#include "check.h"

/* The exit status of a service that is started for it; -1: it did not come, or was not waited for. */
static int64_t run(const char *service)
{
    int64_t status = -1, process = loader_start(service);
    return process >= 0 && loader_wait((uint64_t)process, &status) == 0 ? status : -1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const bool may_end_itself = argv[i][0] == '?';
        const char *service = argv[i] + may_end_itself;
        int64_t status = run(service);
        printf("%s ended with status %lld\n", service, (long long)status);
        CHECK(status == 0 || may_end_itself);
        CHECK(run("audit") == 0);
    }
    return checks_finish("warden");
}
