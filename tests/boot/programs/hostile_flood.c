/* Lets the kernel report as much as it can: processes that it makes fault at once; so does a service that it starts again
 * and again, which has a budget of its own. */
#include <protocol/loader.h>
#include <system/call.h>

#include "check.h"

#define PROCESSES 300
#define STARTS 40

int main(int argc, char **argv)
{
    (void)argv;
    volatile uintptr_t nowhere = 8;
    if (argc > 1)
        *(volatile int *)nowhere = 0;
    int made = 0, started = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int64_t process = sys_process_create("child", 5);
        int64_t thread = process < 0 ? process : sys_thread_create((handle_t)process, AMBILINK_PAGE_SIZE, 0, 0);
        made += thread > 0;
        sys_thread_yield();
        sys_handle_close((handle_t)thread);
        sys_handle_close((handle_t)process);
    }
    for (int i = 0; i < STARTS; i++) {
        int64_t status, process = loader_start("flood-child");
        if (!i)
            printf("the first is process %lld\n", (long long)process);
        started += process >= 0 && loader_wait((uint64_t)process, &status) == 0;
    }
    CHECK(made == PROCESSES);
    CHECK(started == STARTS);
    return checks_finish("flood");
}
