#include "call/machine.h"

#include "base/clock.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/record.h"
#include "base/run_time.h"
#include "base/work.h"
#include "call/caller.h"
#include "image/image.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "object/input.h"
#include "process/collect.h"
#include "start/service.h"

#define WORK_OF_LOGGING 12 /* for each part: a serial line is slow */

int64_t call_clock(uint64_t which)
{
    struct thread *thread = current_thread;
    switch (which) {
    case CLOCK_SINCE_BOOT:
        return (int64_t)clock_since_boot();
    case CLOCK_WALL:
        return (int64_t)clock_wall();
    case CLOCK_PROCESS:
    case CLOCK_THREAD:
        run_time_ask(&thread->run_counts, &thread->share->run_counts);
        return (int64_t)clock_nanoseconds(which == CLOCK_PROCESS ? thread->share->run_counts : thread->run_counts);
    default:
        return STATUS_INVALID;
    }
}

int64_t call_log_write(handle_t handle, uint64_t text_user, uint64_t size)
{
    int64_t status;
    if (!handle_object(current_thread->handles, handle, &system_type, RIGHT_LOG, &status))
        return status;
    if (size > MESSAGE_DATA_MAX)
        return STATUS_INVALID;
    char part[128];
    struct progress *progress = current_thread->progress;
    for (uint64_t done = progress ? progress->index : 0; done < size;) {
        if (!work_left) {
            thread_keep_progress()->index = done;
            return CALL_AGAIN;
        }
        uint64_t count = size - done < sizeof part ? size - done : sizeof part;
        if (!user_read(current_thread->space, part, text_user + done, count))
            return STATUS_BAD_ADDRESS;
        log_text(part, count);
        work_did(WORK_OF_LOGGING);
        done += count;
    }
    return STATUS_OK;
}

int64_t call_input_read(handle_t handle)
{
    int64_t status;
    return handle_object(current_thread->handles, handle, &system_type, RIGHT_INPUT, &status) ? input_take() : status;
}

int64_t call_input_watch(handle_t handle, handle_t endpoint_handle, uint64_t forgets)
{
    int64_t status;
    if (!handle_object(current_thread->handles, handle, &system_type, RIGHT_INPUT, &status))
        return status;
    struct endpoint *endpoint = handle_object(current_thread->handles, endpoint_handle, &endpoint_type, RIGHT_RECEIVE, &status);
    if (!endpoint || !forgets)
        return endpoint ? input_watch(endpoint) : status;
    input_forget(endpoint);
    return STATUS_OK;
}

int64_t call_machine_exit(handle_t handle, uint64_t verdict)
{
    int64_t status;
    if (!handle_object(current_thread->handles, handle, &system_type, RIGHT_POWER, &status))
        return status;
    if (verdict != VERDICT_PASS && verdict != VERDICT_FAIL)
        return STATUS_INVALID;
    kernel_record.ready_instant = clock_since_boot();
    /* The caller may not have used the page, or know of it. */
    machine_end(boot_image.damaged ? VERDICT_FAIL : (uint8_t)verdict);
}

int64_t call_machine_counts(handle_t handle, uint64_t counts_user)
{
    int64_t status;
    if (!handle_object(current_thread->handles, handle, &system_type, RIGHT_LOG, &status))
        return status;
    struct machine_counts counts = {
        .frames = kernel_record.frames_total,
        .frames_used = kernel_record.frames_used,
        .handles = handle_count,
        .ending = work_waiting + collection_waits(),
        .pieces = pool_used(),
    };
    return user_write(current_thread->space, counts_user, &counts, sizeof counts) ? STATUS_OK : STATUS_BAD_ADDRESS;
}

/* The checks, once: what the caller's handles become while the service is started is no matter. */
static int64_t begin_service(handle_t handle, uint64_t index, uint64_t result_user, handle_t payer_handle)
{
    int64_t status;
    struct process *caller = current_thread->process;
    if (!handle_object(&caller->handles, handle, &system_type, RIGHT_MANAGE, &status))
        return status;
    struct budget *budget = payer_handle ? caller_payer(payer_handle, &status) : NULL;
    if (payer_handle && !budget)
        return status;
    if (memory_comes_back()) /* here a failure is logged, and not tried again */
        return CALL_AGAIN;
    /* Tried before, by what is there: a service that runs cannot be taken back. */
    struct loaded_process loaded;
    if (!user_read(&caller->space, &loaded, result_user, sizeof loaded) ||
        !user_write(&caller->space, result_user, &loaded, sizeof loaded))
        return STATUS_BAD_ADDRESS;
    void *start;
    status = service_start_begin(index, caller, budget, &start);
    if (status == STATUS_OK)
        thread_keep_progress()->object = start;
    else if (status == CALL_AGAIN)
        thread_yield(); /* to the thread whose start goes on */
    return status;
}

int64_t call_service_start(handle_t handle, uint64_t index, uint64_t result_user, handle_t payer_handle)
{
    int64_t status = current_thread->progress ? STATUS_OK : begin_service(handle, index, result_user, payer_handle);
    struct loaded_process loaded;
    if (status == STATUS_OK)
        status = service_start_go_on(&loaded);
    if (status >= 0)
        user_write(current_thread->space, result_user, &loaded, sizeof loaded);
    return status;
}
