#include "call/handles.h"

#include "call/caller.h"

/* A handle to what another one leads to, in a table: with no more rights, and the same badge. Only one without a badge,
 * and with RIGHT_MINT, gives a badge, and what has a badge has not that right. */
static int64_t copy_handle(struct handle_table *table, const struct handle_slot *slot, uint64_t rights, uint64_t badge)
{
    if (rights & ~(uint64_t)slot->rights)
        return STATUS_NO_RIGHT;
    if (badge && (slot->badge || !(slot->rights & RIGHT_MINT)))
        return STATUS_NO_RIGHT;
    if (badge)
        rights &= ~(uint64_t)RIGHT_MINT;
    return handle_insert(table, slot->object, (uint32_t)rights, badge ? badge : slot->badge);
}

int64_t call_handle_duplicate(handle_t handle, uint64_t rights, uint64_t badge)
{
    struct handle_slot *slot = handle_slot(current_thread->handles, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    /* A registry learns here that what it would hand out is dead. */
    if (slot->object->type == &endpoint_type && !((const struct endpoint *)(void *)slot->object)->receive_handles)
        return STATUS_PEER_GONE;
    return slot->rights & RIGHT_DUPLICATE ? copy_handle(current_thread->handles, slot, rights, badge) : STATUS_NO_RIGHT;
}

int64_t call_process_grant(handle_t process_handle, handle_t handle, uint64_t rights, uint64_t badge)
{
    int64_t status;
    struct process *process = caller_managed_process(process_handle, &status);
    if (!process)
        return status;
    struct handle_slot *slot = handle_slot(current_thread->handles, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    /* The caller keeps its own, so this is a copy. */
    const uint32_t needed = RIGHT_TRANSFER | RIGHT_DUPLICATE;
    return (slot->rights & needed) == needed ? copy_handle(&process->handles, slot, rights, badge) : STATUS_NO_RIGHT;
}
