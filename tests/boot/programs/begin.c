/* Starts the service that its argument names, and waits for its end. */
#include <protocol/loader.h>

int main(int argc, char **argv)
{
    int64_t status = -1, process = argc > 1 ? loader_start(argv[1]) : -1;
    return process >= 0 && loader_wait((uint64_t)process, &status) == 0 ? (int)status : 1;
}
