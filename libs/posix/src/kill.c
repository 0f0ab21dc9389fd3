/* kill() of other processes, which the loader service sends signals to where this one may. */
#include <errno.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <signal.h>
#include <system/start.h>

#include "children.h"
#include "signals.h"

/* A static program that waits for no child has none. */
#pragma weak child_is_left

long process_send(long process, long signal)
{
    /* A group is that of one process. */
    const long number = process < -1 ? -process : process;
    struct message request = {.word = {LOADER_SIGNAL, (uint64_t)number, (uint64_t)signal}}, reply = {0};
    if (signal < 0 || signal > SIGNAL_MAX)
        return -EINVAL;
    if (child_is_left && child_is_left(number))
        return 0; /* it is there until it is waited for */
    if (signal == SIGSTOP)
        return -ENOSYS;
    switch (ipc_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply)) {
    case STATUS_OK:
        return 0;
    case STATUS_NO_RIGHT:
        return -EPERM;
    case STATUS_NOT_FOUND:
    case STATUS_PEER_GONE:
        return -ESRCH;
    default:
        return -EINVAL;
    }
}
