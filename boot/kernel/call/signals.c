#include "call/signals.h"

#include "base/bytes.h"
#include "call/caller.h"
#include "memory/user.h"
#include "object/signal.h"

int64_t call_signal_entry(uint64_t entry, uint64_t vectors)
{
    struct share *share = current_thread->share;
    if (entry >= PROCESS_HIGHEST_ADDRESS || vectors > UINT32_MAX)
        return STATUS_INVALID;
    share->signal_entry = entry;
    share->fault_vectors = entry ? (uint32_t)vectors : 0;
    return STATUS_OK;
}

static struct thread *find(uint64_t number)
{
    return number ? thread_by_number(current_thread->share, number) : current_thread;
}

int64_t call_thread_signal(uint64_t number, uint64_t signal)
{
    struct thread *thread = find(number);
    return thread ? signal_send(thread, signal) : STATUS_PEER_GONE;
}

int64_t call_thread_name(uint64_t name_user, uint64_t length)
{
    char name[THREAD_NAME_MAX] = {0};
    if (length >= THREAD_NAME_MAX)
        return STATUS_INVALID;
    if (!user_read(current_thread->space, name, name_user, length))
        return STATUS_BAD_ADDRESS;
    if (!caller_gave_name(name, length))
        return STATUS_INVALID;
    memory_copy(current_thread->name, name, sizeof name);
    return STATUS_OK;
}

/* A process may not have its threads run before others' unless that was given to it: by its manifest entry, or by who made
 * it and has as much. */
int64_t call_thread_priority(uint64_t number, uint64_t priority)
{
    struct thread *thread = find(number);
    if (!thread)
        return STATUS_PEER_GONE;
    const unsigned before = thread->own_priority;
    if (priority == PRIORITY_ASK)
        return before;
    if (priority > PRIORITY_MAX)
        return STATUS_INVALID;
    if (priority > thread->share->priority_max)
        return STATUS_NO_RIGHT;
    thread->own_priority = (unsigned)priority;
    if (!thread->contested || priority > thread->priority) /* else it keeps what it inherits */
        thread_set_priority(thread, (unsigned)priority);
    return before;
}

int64_t call_process_priority(handle_t handle, uint64_t priority)
{
    int64_t status;
    struct process *process = caller_managed_process(handle, &status);
    if (!process)
        return status;
    if (priority > PRIORITY_MAX)
        return STATUS_INVALID;
    if (priority > current_thread->share->priority_max)
        return STATUS_NO_RIGHT;
    process_allow_priority(process, (unsigned)priority);
    return STATUS_OK;
}
