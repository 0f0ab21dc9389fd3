#include "call/memory.h"

#include "base/failure.h"
#include "base/work.h"
#include "call/caller.h"
#include "memory/user.h"

int64_t call_memory_create(uint64_t size, handle_t payer_handle, uint64_t growth)
{
    const uint64_t present = growth ? growth - MEMORY_GROWS : 0;
    int64_t status = STATUS_OK;
    struct budget *budget = caller_payer(payer_handle, &status);
    if (!budget)
        return status;
    if (!size || size % PAGE_SIZE || size > (growth ? MEMORY_GROWING_MAX : MEMORY_SIZE_MAX) || present % PAGE_SIZE || present > size)
        return STATUS_INVALID;
    status = handle_reserve(current_thread->handles, 1);
    if (status != STATUS_OK)
        return status;
    struct memory *memory;
    status = thread_make_memory(budget, size, growth, &memory);
    if (status != STATUS_OK)
        return status;
    /* Who touches memory that grows depends on who pays for it: it is not given away. */
    return caller_give(memory, RIGHT_READ | RIGHT_WRITE | RIGHT_DUPLICATE | (growth ? 0 : RIGHT_TRANSFER));
}

int64_t call_memory_size(handle_t handle)
{
    int64_t status;
    const struct handle_slot *slot = handle_find(current_thread->handles, handle, &memory_type, 0, &status);
    if (!slot)
        return status;
    return (int64_t)(slot->badge ? (uint32_t)slot->badge * (uint64_t)PAGE_SIZE : ((struct memory *)slot->object)->size);
}

/* What a handle with a badge reaches (MEMORY_PART): *offset counts from there. False: the range is not within that. */
static bool find_in_part(uint64_t badge, uint64_t *offset, uint64_t size)
{
    const uint64_t start = (badge >> 32) * PAGE_SIZE, most = (uint32_t)badge * (uint64_t)PAGE_SIZE, from = *offset;
    *offset += start;
    return from <= most && size <= most - from;
}

/* STATUS_OK: a protection that is offered. */
static int64_t check_prot(uint64_t prot)
{
    const unsigned offered = 1 << PROT_NO_ACCESS | 1 << PROT_READ_ONLY | 1 << PROT_READ_WRITE | 1 << PROT_READ_EXECUTE;
    prot &= ~(uint64_t)PROT_FINAL;
    if (prot < 8 && offered >> prot & 1)
        return STATUS_OK;
    return (prot & RIGHT_WRITE) && (prot & RIGHT_EXECUTE) ? STATUS_NO_RIGHT : STATUS_INVALID;
}

void range_progress(struct space_progress *range)
{
    if (current_thread->progress)
        *range = current_thread->progress->range;
    else
        range->era = 0;
}

/* The process whose address space a call changes: where it began to, whatever became of the handle. */
static struct process *range_process(handle_t handle, int64_t *status)
{
    const struct progress *progress = current_thread->progress;
    if (!progress || !progress->range.era)
        return caller_managed_process(handle, status);
    struct process *process = progress->object;
    *status = STATUS_PEER_GONE;
    return process->record.state == PROCESS_ALIVE ? process : NULL;
}

void range_keep(int64_t status, struct process *process, const struct space_progress *range)
{
    struct progress *progress = current_thread->progress;
    if (status != CALL_AGAIN) {
        if (progress)
            progress->range = (struct space_progress){0};
        return;
    }
    progress = thread_keep_progress();
    if (progress->object != process) {
        object_retain(process);
        if (progress->object)
            object_release(progress->object);
        progress->object = process;
    }
    progress->range = *range;
}

static int64_t map(struct process *process, handle_t memory_handle, uint64_t offset, uint64_t size, uint64_t address,
                   uint64_t prot)
{
    struct space_wanted wanted = {.memory = NULL}; /* what is begun needs none of it */
    struct space_progress range;
    int64_t status;
    range_progress(&range);
    if (!range.era) {
        status = check_prot(prot);
        if (status != STATUS_OK)
            return status;
        uint32_t needed = (uint32_t)prot & ~PROT_FINAL;
        const struct handle_slot *slot = handle_find(current_thread->handles, memory_handle, &memory_type, needed, &status);
        if (!slot)
            return status;
        if (slot->badge && !find_in_part(slot->badge, &offset, size))
            return STATUS_INVALID;
        unsigned max_prot = slot->rights & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
        wanted = (struct space_wanted){(struct memory *)slot->object, offset, size, address, (unsigned)prot, max_prot};
    }
    status = space_map_some(&process->space, &wanted, &range);
    range_keep(status, process, &range);
    return status;
}

int64_t call_process_map(handle_t process_handle, handle_t memory, uint64_t offset, uint64_t size, uint64_t address,
                         uint64_t prot)
{
    int64_t status;
    struct process *process = range_process(process_handle, &status);
    return process ? map(process, memory, offset, size, address, prot) : status;
}

int64_t call_process_map_all(handle_t process_handle, uint64_t list_user, uint64_t count)
{
    static struct map_request list[MAP_REQUESTS_MAX];
    int64_t status;
    struct process *process = range_process(process_handle, &status);
    if (!process)
        return status;
    if (!count || count > MAP_REQUESTS_MAX)
        return STATUS_INVALID;
    if (!user_read(current_thread->space, list, list_user, count * sizeof *list))
        return STATUS_BAD_ADDRESS;
    struct progress *progress = current_thread->progress;
    for (uint64_t done = progress ? progress->index : 0; done < count; done++) {
        const struct map_request *each = &list[done];
        int64_t result = !work_left     ? CALL_AGAIN
                         : each->address ? map(process, each->memory, each->offset, each->size, each->address, each->prot)
                                         : STATUS_INVALID;
        if (result == STATUS_NO_MEMORY && memory_comes_back())
            result = CALL_AGAIN;
        if (result == CALL_AGAIN) {
            thread_keep_progress()->index = done;
            return CALL_AGAIN;
        }
        if (result < 0)
            return (int64_t)done;
    }
    return (int64_t)count;
}

int64_t call_process_unmap(handle_t handle, uint64_t address, uint64_t size)
{
    int64_t status;
    struct process *process = range_process(handle, &status);
    if (!process)
        return status;
    struct space_progress range;
    range_progress(&range);
    status = space_unmap_some(&process->space, address, size, &range);
    range_keep(status, process, &range);
    return status;
}

int64_t call_process_protect(handle_t handle, uint64_t address, uint64_t size, uint64_t prot)
{
    int64_t status;
    struct process *process = range_process(handle, &status);
    if (!process)
        return status;
    status = check_prot(prot);
    if (status != STATUS_OK)
        return status;
    struct space_progress range;
    range_progress(&range);
    status = space_protect_some(&process->space, address, size, (unsigned)prot, &range);
    range_keep(status, process, &range);
    return status;
}

int64_t call_image_check(uint64_t address, uint64_t size)
{
    const struct progress *progress = current_thread->progress;
    uint64_t done = progress ? progress->index : 0;
    int64_t status = space_check(current_thread->space, address, size, &done);
    if (status == CALL_AGAIN)
        thread_keep_progress()->index = done;
    return status;
}
