/* Runs hostile programs, one after the other, beside the system's normal services, which must still answer after each:
 * files are read, names looked up, text is printed, the loader service starts a program and is asked for its processes. */
#include <protocol/loader.h>
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
        int64_t status = run(argv[i]);
        printf("%s ended with status %lld\n", argv[i], (long long)status);
        CHECK(status == 0);
        CHECK(run("audit") == 0);
    }
    return checks_finish("warden");
}
