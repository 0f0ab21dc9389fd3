#include "call/threads.h"

#include "base/work.h"
#include "call/caller.h"
#include "call/memory.h"
#include "memory/user.h"
#include "object/futex.h"

int64_t call_thread_create(handle_t handle, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t thread_pointer,
                           uint64_t number_user)
{
    int64_t status;
    struct process *process = caller_managed_process(handle, &status);
    if (!process)
        return status;
    /* A non-canonical rip would fault in the kernel on the way out. */
    if (entry >= PROCESS_HIGHEST_ADDRESS || stack > PROCESS_HIGHEST_ADDRESS || thread_pointer >= PROCESS_HIGHEST_ADDRESS)
        return STATUS_INVALID;
    /* A thread that runs cannot be taken back: what may fail comes before. */
    status = handle_reserve(current_thread->handles, 1);
    if (status != STATUS_OK)
        return status;
    uint32_t number = 0;
    if (number_user && !user_write(current_thread->space, number_user, &number, sizeof number))
        return STATUS_BAD_ADDRESS;
    struct thread *thread = process_start_thread(process, entry, stack, argument);
    if (!thread)
        return STATUS_NO_MEMORY;
    thread->thread_pointer = thread_pointer;
    if (process == current_thread->process) {
        thread->exit_word = current_thread->exit_word;
        thread->mask = current_thread->mask;
    }
    number = (uint32_t)thread->record.number;
    if (number_user)
        user_write(current_thread->space, number_user, &number, sizeof number);
    return handle_insert(current_thread->handles, thread, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
}

int64_t call_until(int64_t status, uint64_t deadline)
{
    if (deadline && current_thread->record.state != THREAD_READY)
        thread_wait_until(current_thread, deadline);
    return status;
}

/* Unmap what only this thread used, such as its stack: then nothing of user memory is touched on its behalf, but its exit
 * word. */
int64_t call_thread_exit(uint64_t address, uint64_t size)
{
    struct thread *thread = current_thread;
    struct space_progress range;
    range_progress(&range);
    int64_t status = size ? space_unmap_some(thread->space, address, size, &range) : STATUS_OK;
    range_keep(status, thread->process, &range);
    if (status == CALL_AGAIN)
        return CALL_AGAIN;
    if (status != STATUS_OK)
        return status;
    if (!work_left || futex_leave(thread) == CALL_AGAIN)
        return CALL_AGAIN;
    process_end_thread(thread);
    return STATUS_OK;
}

int64_t call_call(handle_t handle, uint64_t request, uint64_t reply, uint64_t deadline)
{
    int64_t status;
    const struct handle_slot *slot = handle_find(current_thread->handles, handle, &endpoint_type, RIGHT_CALL, &status);
    return slot ? call_until(endpoint_call((struct endpoint *)slot->object, slot->badge, request, reply), deadline) : status;
}

int64_t call_receive(handle_t handle, uint64_t request, uint64_t reply_handle, uint64_t deadline)
{
    int64_t status;
    struct endpoint *endpoint = handle_object(current_thread->handles, handle, &endpoint_type, RIGHT_RECEIVE, &status);
    return endpoint ? call_until(endpoint_receive(endpoint, request, reply_handle), deadline) : status;
}

int64_t call_endpoint_join(handle_t member_handle, handle_t set_handle, uint64_t badge)
{
    int64_t status;
    struct handle_table *table = current_thread->handles;
    struct endpoint *member = handle_object(table, member_handle, &endpoint_type, RIGHT_RECEIVE, &status);
    struct endpoint *set = member ? handle_object(table, set_handle, &endpoint_type, RIGHT_RECEIVE, &status) : NULL;
    return set ? endpoint_join(member, set, badge, current_thread->process->budget) : status;
}

int64_t call_endpoint_signal(handle_t handle, uint64_t bits)
{
    int64_t status;
    struct endpoint *endpoint = handle_object(current_thread->handles, handle, &endpoint_type, RIGHT_SIGNAL, &status);
    if (endpoint && bits > UINT32_MAX)
        return STATUS_INVALID;
    return endpoint ? endpoint_signal(endpoint, (uint32_t)bits) : status;
}

int64_t call_futex_requeue(uint64_t from, uint64_t count, uint64_t to, uint64_t moved, uint64_t flags, uint64_t value)
{
    const bool is_shared = flags & FUTEX_SHARED;
    uint32_t found;
    if (flags & ~(uint64_t)(FUTEX_SHARED | FUTEX_COMPARE))
        return STATUS_INVALID;
    if (flags & FUTEX_COMPARE && !current_thread->progress) { /* what was begun is done, whatever the word is by then */
        if (!user_read(current_thread->space, &found, from, sizeof found))
            return STATUS_BAD_ADDRESS;
        if (found != (uint32_t)value)
            return STATUS_CHANGED;
    }
    return futex_requeue((struct futex){from, is_shared}, count, (struct futex){to, is_shared}, moved);
}
