/* Makes as many threads as the first argument says, or as it gets, and as many processes like itself as the third says: they
 * sleep for ever, or spin after a while, as the second says. It never ends. */
#include <protocol/loader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

static char stack[4096] __attribute__((aligned(16)));

#define WHILE 200000000 /* nanoseconds */

static void spin(void)
{
    sys_thread_sleep(WHILE);
    for (;;)
        __asm__ volatile("");
}

static void sleep_for_ever(void)
{
    for (;;)
        sys_thread_sleep(UINT64_MAX);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 1;
    void (*const rest)(void) = strcmp(argv[2], "spins") == 0 ? spin : sleep_for_ever;
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    int threads = 0, processes = 0;
    for (int i = atoi(argv[3]); i; i--)
        processes += loader_start("crowd-child") >= 0;
    for (int64_t thread; threads < atoi(argv[1]); threads++) {
        if ((thread = sys_thread_create(self, (uint64_t)rest, (uint64_t)(stack + sizeof stack - 8), 0)) < 0)
            break;
        sys_handle_close((handle_t)thread);
    }
    printf("crowd: %d threads, %d processes\n", threads, processes);
    rest();
}
