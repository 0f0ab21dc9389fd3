/* Starts services for the first process (programs/starts.c), which may end it at any step of that. */
#include <stdbool.h>
#include <system/call.h>
#include <system/start.h>

#include "starter.h"

int main(void)
{
    volatile struct starter *shared = (volatile struct starter *)STARTER_PLACE;
    /* Until it is mapped. */
    while (sys_process_protect(sys_start_handle(START_HANDLE_SELF), STARTER_PLACE, AMBILINK_PAGE_SIZE, PROT_READ_WRITE) != STATUS_OK)
        sys_thread_yield();
    for (;;) {
        while (!shared->wanted)
            sys_thread_yield();
        struct loaded_process loaded;
        int64_t number = sys_service_start(shared->system, shared->wanted, sys_start_handle(START_HANDLE_SELF), &loaded);
        if (number > 0) {
            sys_process_end(loaded.process, 0);
            sys_handle_close(loaded.process);
            if (loaded.block)
                sys_handle_close(loaded.block);
        }
        shared->wanted = 0;
        shared->result = number;
    }
}
