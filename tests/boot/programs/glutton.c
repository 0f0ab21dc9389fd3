/* Takes all that it can get of everything, and ends, or stays (argument "stay"), with all of it. */
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define PAGE AMBILINK_PAGE_SIZE

static char stack[4096] __attribute__((aligned(16)));

static void sleep_for_ever(void)
{
    for (;;)
        sys_thread_sleep(UINT64_MAX);
}

int main(int argc, char **argv)
{
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    uint64_t at = 0x30000000000;
    for (int i = 0; i < 64; i++) {
        int64_t child = sys_process_create_for(0, 4 * PAGE, 4096, "child", 5);
        if (child > 0)
            sys_process_grant((handle_t)child, (handle_t)child, RIGHT_MANAGE, 0); /* it keeps itself */
        sys_thread_create(self, (uint64_t)sleep_for_ever, (uint64_t)(stack + sizeof stack - 8), 0);
    }
    while (sys_process_map(self, memory, 0, PAGE, at, PROT_READ_WRITE) > 0 && at < 0x30100000000)
        at += 2 << 20;
    while (sys_endpoint_create() > 0)
        ;
    for (uint64_t size = 4096; size; size /= 2)
        for (int64_t more; (more = sys_memory_create(size * PAGE)) > 0;)
            if (sys_process_map(self, (handle_t)more, 0, size * PAGE, 0, PROT_READ_WRITE) > 0)
                sys_handle_close((handle_t)more); /* else it is kept by the handle */
    while (sys_process_create("child", 5) > 0)
        ;
    if (argc > 1 && strcmp(argv[1], "stay") == 0)
        sleep_for_ever();
    return 0;
}
