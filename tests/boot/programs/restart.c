/* Starts a service again when it has died. */
#include <ambilink/abi.h>
#include <protocol/loader.h>
#include <stdio.h>

int main(void)
{
    int64_t status = 0, first = loader_start("test-phoenix");
    if (first < 0 || loader_wait((uint64_t)first, &status) < 0 || status != STATUS_FAULTED)
        return 1;
    int64_t second = loader_start("test-phoenix");
    printf("restart: died as %lld, runs as %lld\n", (long long)first, (long long)second);
    return second > first ? 0 : 1;
}
