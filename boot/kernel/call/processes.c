#include "call/processes.h"

#include "call/caller.h"
#include "memory/user.h"

int64_t call_process_create(uint64_t name_user, uint64_t length, handle_t payer_handle, uint64_t memory,
                            uint64_t kernel_memory)
{
    int64_t status = STATUS_OK;
    char name[PROCESS_NAME_MAX] = {0};
    struct budget *budget = caller_payer(payer_handle, &status);
    if (!budget)
        return status;
    if (!length || length >= PROCESS_NAME_MAX || memory % PAGE_SIZE || !memory != !kernel_memory)
        return STATUS_INVALID;
    if (memory && budget->depth == BUDGET_DEPTH_MAX)
        return STATUS_INVALID;
    if (!user_read(current_thread->space, name, name_user, length))
        return STATUS_BAD_ADDRESS;
    if (!caller_gave_name(name, length))
        return STATUS_INVALID;
    struct process *process = memory ? process_create_limited(budget, (struct cost){memory / PAGE_SIZE, kernel_memory}, name, length)
                                     : process_create(budget, name, length);
    return caller_give(process, RIGHT_MANAGE | RIGHT_WATCH | RIGHT_DUPLICATE | RIGHT_TRANSFER);
}

int64_t call_process_watch(handle_t process_handle, handle_t endpoint_handle, uint64_t badge)
{
    int64_t status;
    struct process *process = caller_live_process(process_handle, RIGHT_WATCH, &status);
    if (!process)
        return status;
    struct endpoint *endpoint =
        handle_object(current_thread->handles, endpoint_handle, &endpoint_type, RIGHT_RECEIVE, &status);
    if (!endpoint)
        return status;
    return process_watch(process, endpoint, badge) ? STATUS_OK : STATUS_OVERLAP;
}

int64_t call_process_number(handle_t handle)
{
    int64_t status;
    const struct process *process = handle_object(current_thread->handles, handle, &process_type, 0, &status);
    return process ? (int64_t)process->record.number : status;
}

int64_t call_call_entry(uint64_t entry, uint64_t start, uint64_t size)
{
    if (entry >= PROCESS_HIGHEST_ADDRESS)
        return STATUS_INVALID;
    current_thread->process->call_entry = (struct call_entry){entry, start, size};
    return STATUS_OK;
}
