/* A program that is started and waited for again and again: nothing is lost, here or in the services. */
#include <protocol/loader.h>
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "counts.h"

static bool cycle(void)
{
    int64_t status = -1, process = loader_start("test-exit");
    return process >= 0 && loader_wait((uint64_t)process, &status) == 0 && status == 0;
}

int main(int argc, char **argv)
{
    CHECK(cycles_are_even(argc, argv, cycle, "a program is started and waited for"));
    return checks_finish("start");
}
