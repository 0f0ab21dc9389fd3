/* Handles: small numbers, meaningful in one process only, each with rights and a badge. */
#include "kernel.h"

#define HANDLE_LIMIT (HANDLE_PAGES * HANDLES_PER_PAGE)

static struct handle_slot *slot_at(struct process *process, uint64_t index)
{
    struct handle_slot *page = process->handles[index / HANDLES_PER_PAGE];
    return page ? &page[index % HANDLES_PER_PAGE] : NULL;
}

struct handle_slot *handle_slot(struct process *process, handle_t handle)
{
    if (handle == 0 || handle > HANDLE_LIMIT)
        return NULL;
    struct handle_slot *slot = slot_at(process, handle - 1);
    return slot && slot->object ? slot : NULL;
}

int64_t handle_insert(struct process *process, void *object, uint32_t rights, uint64_t badge)
{
    if (process->record.state != PROCESS_ALIVE)
        return STATUS_PEER_GONE;
    for (uint64_t index = process->handle_free; index < HANDLE_LIMIT; index++) {
        if (!process->handles[index / HANDLES_PER_PAGE]) {
            uint64_t frame = frame_alloc();
            if (!frame)
                return STATUS_NO_MEMORY;
            process->handles[index / HANDLES_PER_PAGE] = physical_pointer(frame);
        }
        struct handle_slot *slot = slot_at(process, index);
        if (slot->object)
            continue;
        *slot = (struct handle_slot){object, badge, rights};
        process->handle_free = index + 1;
        if (index >= process->handle_end)
            process->handle_end = index + 1;
        object_retain(object);
        if (slot->object->kind == OBJECT_ENDPOINT && (rights & RIGHT_RECEIVE))
            endpoint_receive_handle_added(object);
        return (int64_t)index + 1;
    }
    return STATUS_LIMIT;
}

void *handle_object(struct process *process, handle_t handle, enum object_kind kind, uint32_t rights, int64_t *status)
{
    struct handle_slot *slot = handle_slot(process, handle);
    if (!slot || slot->object->kind != kind) {
        *status = STATUS_BAD_HANDLE;
        return NULL;
    }
    if ((slot->rights & rights) != rights) {
        *status = STATUS_NO_RIGHT;
        return NULL;
    }
    *status = STATUS_OK;
    return slot->object;
}

int64_t handle_close(struct process *process, handle_t handle)
{
    struct handle_slot *slot = handle_slot(process, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    struct handle_slot closed = *slot;
    *slot = (struct handle_slot){0};
    if (handle - 1 < process->handle_free)
        process->handle_free = handle - 1;
    if (closed.object->kind == OBJECT_ENDPOINT && (closed.rights & RIGHT_RECEIVE))
        endpoint_receive_handle_closed((struct endpoint *)closed.object);
    object_release(closed.object);
    return STATUS_OK;
}

int64_t handle_move(struct process *from, handle_t handle, struct process *to)
{
    struct handle_slot *slot = handle_slot(from, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    if (!(slot->rights & RIGHT_TRANSFER))
        return STATUS_NO_RIGHT;
    int64_t moved = handle_insert(to, slot->object, slot->rights, slot->badge);
    if (moved > 0)
        handle_close(from, handle);
    return moved;
}

void handle_close_all(struct process *process)
{
    for (uint64_t index = 0; index < process->handle_end; index++)
        handle_close(process, (handle_t)index + 1);
    for (uint64_t page = 0; page < HANDLE_PAGES; page++) {
        if (!process->handles[page])
            continue;
        frame_free((uint64_t)process->handles[page] - physical_offset);
        process->handles[page] = NULL;
    }
}
