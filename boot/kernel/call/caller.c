#include "call/caller.h"

struct process *caller_live_process(handle_t handle, uint32_t rights, int64_t *status)
{
    struct process *process = handle_object(current_thread->handles, handle, &process_type, rights, status);
    if (process && process->record.state != PROCESS_ALIVE) {
        *status = STATUS_PEER_GONE;
        return NULL;
    }
    return process;
}

struct process *caller_managed_process(handle_t handle, int64_t *status)
{
    return caller_live_process(handle, RIGHT_MANAGE, status);
}

int64_t caller_give(void *object, uint32_t rights)
{
    if (!object)
        return STATUS_NO_MEMORY;
    int64_t handle = handle_insert(current_thread->handles, object, rights, 0);
    object_release(object);
    return handle;
}

struct budget *caller_payer(handle_t handle, int64_t *status)
{
    const struct process *process = handle ? caller_managed_process(handle, status) : current_thread->process;
    return process ? process->budget : NULL;
}

bool caller_gave_name(const char *name, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if ((uint8_t)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return true;
}
