/* System calls: from their numbers to the functions of this folder or of the object, which check handle and rights; and
 * those that are made again. boot/README.md documents each. */
#include "base/bytes.h"
#include "base/failure.h"
#include "base/record.h"
#include "base/work.h"
#include "call/caller.h"
#include "call/handles.h"
#include "call/machine.h"
#include "call/memory.h"
#include "call/processes.h"
#include "call/signals.h"
#include "call/threads.h"
#include "entry.h"
#include "object/futex.h"
#include "object/reply.h"
#include "object/signal.h"
#include "process/collect.h"
#include "process/leave.h"

static int64_t dispatch(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    int64_t status = STATUS_OK;
    struct process *process;
    switch (number) {
    case SYS_HANDLE_CLOSE:
        return handle_close(current_thread->handles, (handle_t)a);
    case SYS_HANDLE_DUPLICATE:
        return call_handle_duplicate((handle_t)a, b, c);
    case SYS_MEMORY_CREATE:
        return call_memory_create(a, (handle_t)b, c);
    case SYS_MEMORY_SIZE:
        return call_memory_size((handle_t)a);
    case SYS_PROCESS_CREATE:
        return call_process_create(a, b, (handle_t)c, d, e);
    case SYS_PROCESS_GRANT:
        return call_process_grant((handle_t)a, (handle_t)b, c, d);
    case SYS_PROCESS_MAP:
        return call_process_map((handle_t)a, (handle_t)b, c, d, e, f);
    case SYS_PROCESS_MAP_ALL:
        return call_process_map_all((handle_t)a, b, c);
    case SYS_PROCESS_UNMAP:
        return call_process_unmap((handle_t)a, b, c);
    case SYS_PROCESS_PROTECT:
        return call_process_protect((handle_t)a, b, c, d);
    case SYS_PROCESS_WATCH:
        return call_process_watch((handle_t)a, (handle_t)b, c);
    case SYS_PROCESS_NUMBER:
        return call_process_number((handle_t)a);
    case SYS_PROCESS_EXIT:
        process = a ? caller_managed_process((handle_t)a, &status) : current_thread->process;
        if (!process)
            return status;
        process_end(process, PROCESS_EXITED, (int64_t)b);
        return STATUS_OK;
    case SYS_THREAD_CREATE:
        return call_thread_create((handle_t)a, b, c, d, e, f);
    case SYS_THREAD_EXIT:
        return call_thread_exit(a, b);
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
        return caller_give(endpoint_create(current_thread->process->budget, current_thread->process_record),
                           RIGHT_CALL | RIGHT_RECEIVE | RIGHT_SIGNAL | RIGHT_MINT | RIGHT_DUPLICATE | RIGHT_TRANSFER);
    case SYS_ENDPOINT_JOIN:
        return call_endpoint_join((handle_t)a, (handle_t)b, c);
    case SYS_ENDPOINT_SIGNAL:
        return call_endpoint_signal((handle_t)a, b);
    case SYS_CALL:
        return call_call((handle_t)a, b, c, d);
    case SYS_RECEIVE:
        return call_receive((handle_t)a, b, c, d);
    case SYS_REPLY:
        return reply_answer((handle_t)a, b);
    case SYS_CLOCK:
        return call_clock(a);
    case SYS_LOG_WRITE:
        return call_log_write((handle_t)a, b, c);
    case SYS_MACHINE_EXIT:
        return call_machine_exit((handle_t)a, b);
    case SYS_MACHINE_COUNTS:
        return call_machine_counts((handle_t)a, b);
    case SYS_IMAGE_CHECK:
        return call_image_check(a, b);
    case SYS_INPUT_READ:
        return call_input_read((handle_t)a);
    case SYS_INPUT_WATCH:
        return call_input_watch((handle_t)a, (handle_t)b, c);
    case SYS_FUTEX_WAIT:
        return c > FUTEX_SHARED ? STATUS_INVALID : call_until(futex_wait((struct futex){a, c}, (uint32_t)b), d);
    case SYS_FUTEX_WAKE:
        return c > FUTEX_SHARED ? STATUS_INVALID : futex_wake((struct futex){a, c}, b);
    case SYS_FUTEX_REQUEUE:
        return call_futex_requeue(a, b, c, d, e, f);
    case SYS_FUTEX_LOCK:
        return b > FUTEX_SHARED ? STATUS_INVALID : call_until(futex_lock((struct futex){a, b}), c);
    case SYS_FUTEX_UNLOCK:
        return b > FUTEX_SHARED ? STATUS_INVALID : futex_unlock((struct futex){a, b});
    case SYS_FUTEX_LIST:
        current_thread->lock_list = a;
        return STATUS_OK;
    case SYS_CALL_ENTRY:
        return call_call_entry(a, b, c);
    case SYS_SIGNAL_ENTRY:
        return call_signal_entry(a, b, c, d);
    case SYS_SIGNAL_MASK:
        return call_until(signal_mask(a, b, c), d);
    case SYS_SIGNAL_RETURN:
        return signal_return(a);
    case SYS_THREAD_SIGNAL:
        return call_thread_signal(a, b);
    case SYS_PROCESS_SIGNAL:
        return call_process_signal((handle_t)a, b, c);
    case SYS_SIGNAL_STACK:
        return call_signal_stack(a, b, c);
    case SYS_THREAD_NAME:
        return call_thread_name(a, b);
    case SYS_THREAD_PRIORITY:
        return call_thread_priority(a, b);
    case SYS_PROCESS_PRIORITY:
        return call_process_priority((handle_t)a, b);
    case SYS_SERVICE_START:
        return call_service_start((handle_t)a, b, c, (handle_t)d);
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
    int64_t result = dispatch(frame->rax, frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9);
    return result == STATUS_NO_MEMORY && may_find_memory(thread) ? CALL_AGAIN : result;
}

/* A call that is not the kernel's (SYS_CALL_ENTRY): the thread goes on there. */
static bool passes_on(const struct process *process, struct frame *frame)
{
    const struct call_entry *to = &process->call_entry;
    if (!to->entry || frame->rip - to->start < to->size)
        return false;
    frame_pass_on(frame, to->entry);
    return true;
}

struct frame *system_call_handle(struct frame *frame)
{
    struct thread *thread = current_thread;
    if (passes_on(thread->process, frame))
        return frame;
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
        if (thread->record.state != THREAD_READY)
            signal_disturb(thread);
        else if (frame_is_call(frame)) /* else all its registers are others now */
            frame_set_result(frame, result);
    }
    object_release(thread);
    return kernel_leave();
}
