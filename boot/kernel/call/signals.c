#include "call/signals.h"

#include "base/bytes.h"
#include "call/caller.h"
#include "memory/user.h"
#include "object/signal.h"

int64_t call_signal_entry(uint64_t entry, uint64_t vectors, uint64_t stack_signals, uint64_t stack_vectors)
{
    struct share *share = current_thread->share;
    if (entry >= PROCESS_HIGHEST_ADDRESS || vectors > UINT32_MAX || stack_vectors > UINT32_MAX)
        return STATUS_INVALID;
    share->signal_entry = entry;
    share->fault_vectors = entry ? (uint32_t)vectors : 0;
    share->stack_signals = stack_signals;
    share->stack_vectors = (uint32_t)stack_vectors;
    return STATUS_OK;
}

int64_t call_signal_stack(uint64_t address, uint64_t size, uint64_t before_user)
{
    const uint64_t before[] = {current_thread->signal_stack, current_thread->signal_stack_size};
    if (before_user && !user_write(current_thread->space, before_user, before, sizeof before))
        return STATUS_BAD_ADDRESS;
    if (size == SIGNAL_STACK_ASK)
        return STATUS_OK;
    if (address >= PROCESS_HIGHEST_ADDRESS || size > PROCESS_HIGHEST_ADDRESS - address)
        return STATUS_INVALID;
    current_thread->signal_stack = address;
    current_thread->signal_stack_size = size;
    return STATUS_OK;
}

int64_t call_process_signal(handle_t handle, uint64_t signal, uint64_t sender)
{
    int64_t status = STATUS_OK;
    struct process *process = handle ? caller_managed_process(handle, &status) : current_thread->process;
    if (!process)
        return status;
    if (signal > SIGNAL_MAX || (signal && !process->share.signal_entry))
        return STATUS_INVALID;
    return signal ? signal_send_any(&process->share, &process->record, signal, sender) : STATUS_OK;
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
    thread_restore_priority(thread); /* it keeps what it inherits */
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
