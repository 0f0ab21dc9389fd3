#include "object/signal.h"

#include <stddef.h>

#include "base/work.h"
#include "memory/user.h"

#define RED_ZONE 128 /* below the stack pointer, of the function that is interrupted */

static bool is_wait_that_ends(const struct thread *thread)
{
    switch (thread->record.state) {
    case THREAD_SLEEPING:
    case THREAD_RECEIVING:
    case THREAD_READING:
    case THREAD_WAITING:
        return true;
    default:
        return false;
    }
}

void signal_end_wait(struct thread *thread)
{
    if (!is_wait_that_ends(thread))
        return;
    thread->is_disturbed = false;
    if (thread->has_mask_after && !(signal_pending(thread) & ~thread->mask)) {
        thread->mask = thread->mask_after;
        thread->has_mask_after = false;
    }
    thread_wake(thread, STATUS_INTERRUPTED);
}

static void forget(struct thread *thread, uint64_t bit)
{
    /* What is its own comes first. */
    uint64_t *pending = thread->pending & bit ? &thread->pending : &thread->share->pending;
    *pending &= ~bit;
}

/* It waits in SIGNAL_ACCEPT, for that one: then it has it. */
static bool accepts(struct thread *thread, uint64_t signal)
{
    const uint64_t bit = 1ull << (signal - 1);
    if (thread->record.state != THREAD_WAITING || thread->waiter.next || !(thread->accepts & bit))
        return false;
    forget(thread, bit);
    thread_wake(thread, (int64_t)signal);
    return true;
}

int64_t signal_send(struct thread *thread, uint64_t signal)
{
    if (signal > SIGNAL_MAX || (signal && !thread->share->signal_entry))
        return STATUS_INVALID;
    if (signal)
        thread->pending |= 1ull << (signal - 1);
    else
        thread->is_disturbed = true;
    if (!signal || !accepts(thread, signal))
        signal_disturb(thread);
    return STATUS_OK;
}

static struct thread *thread_of(uint64_t record)
{
    return (struct thread *)(record - offsetof(struct thread, record));
}

/* A thread takes it: it is ready and does not keep it off, or its wait ends for it. */
static bool takes(struct thread *thread, uint64_t signal)
{
    if (accepts(thread, signal))
        return true;
    if (thread->mask >> (signal - 1) & 1)
        return false;
    if (thread->record.state == THREAD_READY)
        return true;
    if (!is_wait_that_ends(thread))
        return false;
    signal_end_wait(thread);
    return true;
}

int64_t signal_send_any(struct share *share, const struct process_record *process, uint64_t signal, uint64_t sender)
{
    const struct progress *progress = current_thread->progress;
    uint64_t record = process->threads;
    if (!progress) {
        share->pending |= 1ull << (signal - 1);
        share->sender = sender;
        share->sent = (uint32_t)signal;
    } else if (share->pending >> (signal - 1) & 1) {
        const struct thread *next = thread_by_number(share, progress->index);
        record = next ? (uint64_t)&next->record : record;
    } else {
        return STATUS_OK; /* it was taken meanwhile */
    }
    for (; record; record = thread_of(record)->record.next) {
        if (!work_left) {
            thread_keep_progress()->index = thread_of(record)->record.number;
            return CALL_AGAIN;
        }
        work_did(1);
        if (thread_of(record)->record.state != THREAD_DEAD && takes(thread_of(record), signal))
            break;
    }
    return STATUS_OK;
}

/* One of the set that is there is the result; else the thread waits for one. */
static int64_t accept(struct thread *thread, uint64_t set)
{
    const uint64_t there = signal_pending(thread) & set;
    if (!there) {
        thread->accepts = set;
        thread_wait(thread, NULL, THREAD_WAITING);
        return STATUS_OK;
    }
    const unsigned index = (unsigned)__builtin_ctzll(there);
    forget(thread, 1ull << index);
    return index + 1;
}

int64_t signal_mask(uint64_t how, uint64_t set, uint64_t before_user)
{
    struct thread *thread = current_thread;
    const uint64_t before = how == SIGNAL_PENDING ? signal_pending(thread) : thread->mask;
    if (how > SIGNAL_ACCEPT)
        return STATUS_INVALID;
    if (before_user && !user_write(thread->space, before_user, &before, sizeof before))
        return STATUS_BAD_ADDRESS;
    if (how == SIGNAL_PENDING)
        return STATUS_OK;
    if (how == SIGNAL_ACCEPT)
        return accept(thread, set);
    if (how == SIGNAL_WAIT) {
        thread->mask_after = thread->mask;
        thread->has_mask_after = true;
    }
    thread->mask = how == SIGNAL_BLOCK ? thread->mask | set : how == SIGNAL_UNBLOCK ? thread->mask & ~set : set;
    if (how == SIGNAL_WAIT) {
        thread->accepts = 0;
        thread_wait(thread, NULL, THREAD_WAITING);
    }
    return STATUS_OK;
}

/* Below what the thread has on its stack; or at the end of its signal stack, where it is not on that already. */
static bool enter(struct thread *thread, struct signal_frame *saved, bool on_signal_stack)
{
    const uint64_t stack = thread->signal_stack, size = thread->signal_stack_size, pointer = thread->frame.rsp;
    const bool moves = on_signal_stack && size && pointer - stack > size;
    const uint64_t at = ((moves ? stack + size : pointer - RED_ZONE) - sizeof *saved) & ~15ull;
    saved->mask = thread->has_mask_after ? thread->mask_after : thread->mask;
    frame_save(&thread->frame, saved->registers);
    if (!user_write(thread->space, at, saved, sizeof *saved))
        return false;
    thread->has_mask_after = false;
    thread->mask = UINT64_MAX;
    frame_enter(&thread->frame, thread->share->signal_entry, at - sizeof(uint64_t), at);
    return true;
}

bool signal_take(struct thread *thread)
{
    struct signal_frame saved = {0};
    const uint64_t due = signal_pending(thread) & ~thread->mask, own = due & thread->pending;
    const unsigned index = (unsigned)__builtin_ctzll(own ? own : due);
    struct share *share = thread->share;
    saved.signal = index + 1;
    saved.error = frame_is_call(&thread->frame) && frame_result(&thread->frame) == STATUS_INTERRUPTED;
    if (!own && share->sent == saved.signal) {
        saved.address = share->sender;
        share->sent = 0;
    }
    forget(thread, 1ull << index);
    return enter(thread, &saved, share->stack_signals >> index & 1);
}

bool signal_fault(struct thread *thread, uint64_t address)
{
    const struct frame *frame = &thread->frame;
    /* One that faults while it takes a signal would do so for ever. */
    if (frame->vector >= 32 || !(thread->share->fault_vectors >> frame->vector & 1) || thread->mask == UINT64_MAX)
        return false;
    struct signal_frame saved = {.vector = frame->vector, .error = frame->error, .address = address};
    return enter(thread, &saved, thread->share->stack_vectors >> frame->vector & 1);
}

int64_t signal_return(uint64_t frame_user)
{
    struct thread *thread = current_thread;
    struct signal_frame saved;
    if (!user_read(thread->space, &saved, frame_user, sizeof saved))
        return STATUS_BAD_ADDRESS;
    if (!frame_restore(&thread->frame, saved.registers))
        return STATUS_INVALID;
    thread->mask = saved.mask;
    return STATUS_OK;
}
