/* System calls: decode, check handle and rights, call the object. boot/README.md documents each. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/record.h"
#include "entry.h"
#include "image/image.h"
#include "linux/error.h"
#include "linux/linux.h"
#include "memory/page_table.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "object/futex.h"
#include "object/input.h"
#include "object/reply.h"
#include "process/collect.h"
#include "process/leave.h"
#include "process/process.h"
#include "start/service.h"

/* STATUS_OK: a protection that is offered. */
static int64_t check_prot(uint64_t prot)
{
    const unsigned offered = 1 << PROT_NO_ACCESS | 1 << PROT_READ_ONLY | 1 << PROT_READ_WRITE | 1 << PROT_READ_EXECUTE;
    prot &= ~(uint64_t)PROT_FINAL;
    if (prot < 8 && offered >> prot & 1)
        return STATUS_OK;
    return (prot & RIGHT_WRITE) && (prot & RIGHT_EXECUTE) ? STATUS_NO_RIGHT : STATUS_INVALID;
}

static struct process *live_process(handle_t handle, uint32_t rights, int64_t *status)
{
    struct process *process = handle_object(current_thread->handles, handle, &process_type, rights, status);
    if (process && process->record.state != PROCESS_ALIVE) {
        *status = STATUS_PEER_GONE;
        return NULL;
    }
    return process;
}

static struct process *managed_process(handle_t handle, int64_t *status)
{
    return live_process(handle, RIGHT_MANAGE, status);
}

/* Put a fresh object behind a handle of the running process; the handle keeps it, or nothing does. */
static int64_t give(void *object, uint32_t rights)
{
    if (!object)
        return STATUS_NO_MEMORY;
    int64_t handle = handle_insert(current_thread->handles, object, rights, 0);
    object_release(object);
    return handle;
}

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

static int64_t do_handle_duplicate(handle_t handle, uint64_t rights, uint64_t badge)
{
    struct handle_slot *slot = handle_slot(current_thread->handles, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    /* A registry learns here that what it would hand out is dead. */
    if (slot->object->type == &endpoint_type && !((const struct endpoint *)(void *)slot->object)->receive_handles)
        return STATUS_PEER_GONE;
    return slot->rights & RIGHT_DUPLICATE ? copy_handle(current_thread->handles, slot, rights, badge) : STATUS_NO_RIGHT;
}

/* The budget of a process, or where there is no handle of the running one. NULL: *status is why. */
static struct budget *payer(handle_t handle, int64_t *status)
{
    const struct process *process = handle ? managed_process(handle, status) : current_thread->process;
    return process ? process->budget : NULL;
}

static int64_t do_memory_create(uint64_t size, handle_t payer_handle)
{
    int64_t status = STATUS_OK;
    struct budget *budget = payer(payer_handle, &status);
    if (!budget)
        return status;
    if (!size || size % PAGE_SIZE || size > MEMORY_SIZE_MAX)
        return STATUS_INVALID;
    status = handle_reserve(current_thread->handles, 1);
    if (status != STATUS_OK)
        return status;
    struct memory *memory;
    status = thread_make_memory(budget, size, &memory);
    return status == STATUS_OK ? give(memory, RIGHT_READ | RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER) : status;
}

static int64_t do_memory_size(handle_t handle)
{
    int64_t status;
    struct memory *memory = handle_object(current_thread->handles, handle, &memory_type, 0, &status);
    return memory ? (int64_t)memory->size : status;
}

static int64_t do_process_create(uint64_t name_user, uint64_t length, handle_t payer_handle, uint64_t memory,
                                 uint64_t kernel_memory)
{
    int64_t status = STATUS_OK;
    char name[PROCESS_NAME_MAX] = {0};
    struct budget *budget = payer(payer_handle, &status);
    if (!budget)
        return status;
    if (!length || length >= PROCESS_NAME_MAX || memory % PAGE_SIZE || !memory != !kernel_memory)
        return STATUS_INVALID;
    if (memory && budget->depth == BUDGET_DEPTH_MAX)
        return STATUS_INVALID;
    if (!user_read(current_thread->space, name, name_user, length))
        return STATUS_BAD_ADDRESS;
    for (uint64_t i = 0; i < length; i++)
        if ((uint8_t)name[i] < ' ' || name[i] == 0x7f) /* the log shows it */
            return STATUS_INVALID;
    struct process *process = memory ? process_create_limited(budget, (struct cost){memory / PAGE_SIZE, kernel_memory}, name, length)
                                     : process_create(budget, name, length);
    return give(process, RIGHT_MANAGE | RIGHT_WATCH | RIGHT_DUPLICATE | RIGHT_TRANSFER);
}

static int64_t do_process_grant(handle_t process_handle, handle_t handle, uint64_t rights, uint64_t badge)
{
    int64_t status;
    struct process *process = managed_process(process_handle, &status);
    if (!process)
        return status;
    struct handle_slot *slot = handle_slot(current_thread->handles, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    /* The caller keeps its own, so this is a copy. */
    const uint32_t needed = RIGHT_TRANSFER | RIGHT_DUPLICATE;
    return (slot->rights & needed) == needed ? copy_handle(&process->handles, slot, rights, badge) : STATUS_NO_RIGHT;
}

/* How far this thread's call on a range came before. */
static void range_progress(struct space_progress *range)
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
        return managed_process(handle, status);
    struct process *process = progress->object;
    *status = STATUS_PEER_GONE;
    return process->record.state == PROCESS_ALIVE ? process : NULL;
}

/* Keep how far a call came that is to be made again. */
static void keep_range(int64_t status, struct process *process, const struct space_progress *range)
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
        unsigned max_prot = slot->rights & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
        wanted = (struct space_wanted){(struct memory *)slot->object, offset, size, address, (unsigned)prot, max_prot};
    }
    status = space_map_some(&process->space, &wanted, &range);
    keep_range(status, process, &range);
    return status;
}

static int64_t do_process_map(handle_t process_handle, handle_t memory, uint64_t offset, uint64_t size, uint64_t address,
                              uint64_t prot)
{
    int64_t status;
    struct process *process = range_process(process_handle, &status);
    return process ? map(process, memory, offset, size, address, prot) : status;
}

static int64_t do_process_map_all(handle_t process_handle, uint64_t list_user, uint64_t count)
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

static int64_t do_process_unmap(handle_t handle, uint64_t address, uint64_t size)
{
    int64_t status;
    struct process *process = range_process(handle, &status);
    if (!process)
        return status;
    struct space_progress range;
    range_progress(&range);
    status = space_unmap_some(&process->space, address, size, &range);
    keep_range(status, process, &range);
    return status;
}

static int64_t do_process_protect(handle_t handle, uint64_t address, uint64_t size, uint64_t prot)
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
    keep_range(status, process, &range);
    return status;
}

static int64_t do_process_watch(handle_t process_handle, handle_t endpoint_handle, uint64_t badge)
{
    int64_t status;
    struct process *process = live_process(process_handle, RIGHT_WATCH, &status);
    if (!process)
        return status;
    struct endpoint *endpoint =
        handle_object(current_thread->handles, endpoint_handle, &endpoint_type, RIGHT_RECEIVE, &status);
    if (!endpoint)
        return status;
    return process_watch(process, endpoint, badge) ? STATUS_OK : STATUS_OVERLAP;
}

static int64_t do_process_number(handle_t handle)
{
    int64_t status;
    const struct process *process = handle_object(current_thread->handles, handle, &process_type, 0, &status);
    return process ? (int64_t)process->record.number : status;
}

static int64_t do_thread_create(handle_t handle, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t thread_pointer,
                                uint64_t number_user)
{
    int64_t status;
    struct process *process = managed_process(handle, &status);
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
    thread->exit_word = process == current_thread->process ? current_thread->exit_word : 0;
    number = (uint32_t)thread->record.number;
    if (number_user)
        user_write(current_thread->space, number_user, &number, sizeof number);
    return handle_insert(current_thread->handles, thread, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
}

/* A call may have let the running thread wait: until then at most; 0: for ever. */
static int64_t until(int64_t status, uint64_t deadline)
{
    if (deadline && current_thread->record.state != THREAD_READY)
        thread_wait_until(current_thread, deadline);
    return status;
}

/* Unmap what only this thread used, such as its stack: then nothing of user memory is touched on its behalf, but its exit
 * word. */
static int64_t do_thread_exit(uint64_t address, uint64_t size)
{
    struct thread *thread = current_thread;
    struct space_progress range;
    range_progress(&range);
    int64_t status = size ? space_unmap_some(thread->space, address, size, &range) : STATUS_OK;
    keep_range(status, thread->process, &range);
    if (status == CALL_AGAIN)
        return CALL_AGAIN;
    if (status != STATUS_OK)
        return status;
    if (!work_left || futex_leave(thread) == CALL_AGAIN)
        return CALL_AGAIN;
    process_end_thread(thread);
    return STATUS_OK;
}

static int64_t do_call(handle_t handle, uint64_t request, uint64_t reply, uint64_t deadline)
{
    int64_t status;
    const struct handle_slot *slot = handle_find(current_thread->handles, handle, &endpoint_type, RIGHT_CALL, &status);
    return slot ? until(endpoint_call((struct endpoint *)slot->object, slot->badge, request, reply), deadline) : status;
}

static int64_t do_receive(handle_t handle, uint64_t request, uint64_t reply_handle, uint64_t deadline)
{
    int64_t status;
    struct endpoint *endpoint = handle_object(current_thread->handles, handle, &endpoint_type, RIGHT_RECEIVE, &status);
    return endpoint ? until(endpoint_receive(endpoint, request, reply_handle), deadline) : status;
}

static int64_t do_futex_requeue(uint64_t from, uint64_t count, uint64_t to, uint64_t moved, uint64_t flags, uint64_t value)
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

#define WORK_OF_LOGGING 8 /* for each part: a serial line is slow */

static int64_t do_log_write(handle_t handle, uint64_t text_user, uint64_t size)
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

static int64_t do_image_check(uint64_t address, uint64_t size)
{
    const struct progress *progress = current_thread->progress;
    uint64_t done = progress ? progress->index : 0;
    int64_t status = space_check(current_thread->space, address, size, &done);
    if (status == CALL_AGAIN)
        thread_keep_progress()->index = done;
    return status;
}

static int64_t do_input_read(handle_t handle)
{
    int64_t status;
    return handle_object(current_thread->handles, handle, &system_type, RIGHT_INPUT, &status) ? input_take() : status;
}

static int64_t do_machine_exit(handle_t handle, uint64_t verdict)
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

static int64_t do_machine_counts(handle_t handle, uint64_t counts_user)
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
    struct budget *budget = payer_handle ? payer(payer_handle, &status) : NULL;
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

static int64_t do_service_start(handle_t handle, uint64_t index, uint64_t result_user, handle_t payer_handle)
{
    int64_t status = current_thread->progress ? STATUS_OK : begin_service(handle, index, result_user, payer_handle);
    struct loaded_process loaded;
    if (status == STATUS_OK)
        status = service_start_go_on(&loaded);
    if (status >= 0)
        user_write(current_thread->space, result_user, &loaded, sizeof loaded);
    return status;
}

static int64_t dispatch(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    int64_t status = STATUS_OK;
    struct process *process;
    switch (number) {
    case SYS_HANDLE_CLOSE:
        return handle_close(current_thread->handles, (handle_t)a);
    case SYS_HANDLE_DUPLICATE:
        return do_handle_duplicate((handle_t)a, b, c);
    case SYS_MEMORY_CREATE:
        return do_memory_create(a, (handle_t)b);
    case SYS_MEMORY_SIZE:
        return do_memory_size((handle_t)a);
    case SYS_PROCESS_CREATE:
        return do_process_create(a, b, (handle_t)c, d, e);
    case SYS_PROCESS_GRANT:
        return do_process_grant((handle_t)a, (handle_t)b, c, d);
    case SYS_PROCESS_MAP:
        return do_process_map((handle_t)a, (handle_t)b, c, d, e, f);
    case SYS_PROCESS_MAP_ALL:
        return do_process_map_all((handle_t)a, b, c);
    case SYS_PROCESS_UNMAP:
        return do_process_unmap((handle_t)a, b, c);
    case SYS_PROCESS_PROTECT:
        return do_process_protect((handle_t)a, b, c, d);
    case SYS_PROCESS_WATCH:
        return do_process_watch((handle_t)a, (handle_t)b, c);
    case SYS_PROCESS_NUMBER:
        return do_process_number((handle_t)a);
    case SYS_PROCESS_EXIT:
        process = a ? managed_process((handle_t)a, &status) : current_thread->process;
        if (!process)
            return status;
        process_end(process, PROCESS_EXITED, (int64_t)b);
        return STATUS_OK;
    case SYS_THREAD_CREATE:
        return do_thread_create((handle_t)a, b, c, d, e, f);
    case SYS_THREAD_EXIT:
        return do_thread_exit(a, b);
    case SYS_THREAD_EXIT_WORD:
        current_thread->exit_word = a;
        return STATUS_OK;
    case SYS_THREAD_NUMBER:
        return (int64_t)current_thread->record.number;
    case SYS_THREAD_SET_TLS:
        if (a >= PROCESS_HIGHEST_ADDRESS)
            return STATUS_INVALID;
        current_thread->thread_pointer = a;
        cpu_set_thread_pointer(a);
        return STATUS_OK;
    case SYS_THREAD_YIELD:
        thread_yield();
        return STATUS_OK;
    case SYS_THREAD_SLEEP:
        thread_sleep(current_thread, a);
        return STATUS_OK;
    case SYS_ENDPOINT_CREATE:
        return give(endpoint_create(current_thread->process->budget, current_thread->process_record),
                    RIGHT_CALL | RIGHT_RECEIVE | RIGHT_MINT | RIGHT_DUPLICATE | RIGHT_TRANSFER);
    case SYS_CALL:
        return do_call((handle_t)a, b, c, d);
    case SYS_RECEIVE:
        return do_receive((handle_t)a, b, c, d);
    case SYS_REPLY:
        return reply_answer((handle_t)a, b);
    case SYS_CLOCK:
        if (a > CLOCK_WALL)
            return STATUS_INVALID;
        return (int64_t)(a == CLOCK_WALL ? clock_wall() : clock_since_boot());
    case SYS_LOG_WRITE:
        return do_log_write((handle_t)a, b, c);
    case SYS_MACHINE_EXIT:
        return do_machine_exit((handle_t)a, b);
    case SYS_MACHINE_COUNTS:
        return do_machine_counts((handle_t)a, b);
    case SYS_IMAGE_CHECK:
        return do_image_check(a, b);
    case SYS_INPUT_READ:
        return do_input_read((handle_t)a);
    case SYS_FUTEX_WAIT:
        return c > FUTEX_SHARED ? STATUS_INVALID : until(futex_wait((struct futex){a, c}, (uint32_t)b), d);
    case SYS_FUTEX_WAKE:
        return c > FUTEX_SHARED ? STATUS_INVALID : futex_wake((struct futex){a, c}, b);
    case SYS_FUTEX_REQUEUE:
        return do_futex_requeue(a, b, c, d, e, f);
    case SYS_SERVICE_START:
        return do_service_start((handle_t)a, b, c, (handle_t)d);
    default:
        return STATUS_INVALID;
    }
}

/* Progress of another call: the program changed the code below its thread. */
static bool is_stale(const struct thread *thread)
{
    uint64_t call[CALL_WORDS];
    frame_call(&thread->frame, call);
    return memory_compare(call, thread->progress->call, sizeof call) != 0;
}

/* A call found no memory, and so has changed nothing: whether it is to be tried again, with what is about to come back,
 * with what a collection finds, or with the memory of processes that ended. */
static bool may_find_memory(struct thread *thread)
{
    if (failure_made)
        return false;
    if (memory_comes_back())
        return true;
    if (!thread->collection)
        thread->collection = collection_next();
    if (collection_done() >= thread->collection)
        return processes_give_back();
    /* What this call made and gave up goes first: a collection ends when nothing else is ending. */
    if (leftover_work())
        collect();
    return true;
}

static int64_t call_once(struct thread *thread, const struct frame *frame)
{
    budget_short = NULL;
    int64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) = dispatch;
    int64_t no_memory = STATUS_NO_MEMORY;
    if (thread->process->calls_linux) {
        call = linux_call;
        no_memory = LINUX_ENOMEM;
    }
    int64_t result = call(frame->rax, frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9);
    return result == no_memory && may_find_memory(thread) ? CALL_AGAIN : result;
}

struct frame *system_call_handle(struct frame *frame)
{
    struct thread *thread = current_thread;
    work_begin();
    kernel_record.system_calls++;
    /* Set before the call: a thread that waits gets its real result when it is woken. */
    object_retain(thread);
    if (thread->progress && is_stale(thread))
        thread_forget_progress(thread);
    int64_t result = call_once(thread, frame);
    if (result == CALL_AGAIN) {
        kernel_record.system_calls--;
        frame_call_again(frame);
    } else {
        thread->collection = 0;
        if (thread->progress)
            thread_forget_progress(thread);
        if (thread->record.state == THREAD_READY)
            frame_set_result(frame, result);
    }
    object_release(thread);
    return kernel_leave();
}
