#include "object/signal.h"

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
    if (thread->has_mask_after && !(thread->pending & ~thread->mask)) {
        thread->mask = thread->mask_after;
        thread->has_mask_after = false;
    }
    thread_wake(thread, STATUS_INTERRUPTED);
}

int64_t signal_send(struct thread *thread, uint64_t signal)
{
    if (signal > SIGNAL_MAX || (signal && !thread->share->signal_entry))
        return STATUS_INVALID;
    if (signal)
        thread->pending |= 1ull << (signal - 1);
    else
        thread->is_disturbed = true;
    signal_disturb(thread);
    return STATUS_OK;
}

int64_t signal_mask(uint64_t how, uint64_t set, uint64_t before_user)
{
    struct thread *thread = current_thread;
    if (how > SIGNAL_WAIT)
        return STATUS_INVALID;
    if (before_user && !user_write(thread->space, before_user, &thread->mask, sizeof thread->mask))
        return STATUS_BAD_ADDRESS;
    if (how == SIGNAL_WAIT) {
        thread->mask_after = thread->mask;
        thread->has_mask_after = true;
    }
    thread->mask = how == SIGNAL_BLOCK ? thread->mask | set : how == SIGNAL_UNBLOCK ? thread->mask & ~set : set;
    if (how == SIGNAL_WAIT)
        thread_wait(thread, NULL, THREAD_WAITING);
    return STATUS_OK;
}

/* Below what the thread has on its stack. */
static bool enter(struct thread *thread, struct signal_frame *saved)
{
    const uint64_t at = (thread->frame.rsp - RED_ZONE - sizeof *saved) & ~15ull;
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
    const unsigned index = (unsigned)__builtin_ctzll(thread->pending & ~thread->mask);
    saved.signal = index + 1;
    thread->pending &= ~(1ull << index);
    return enter(thread, &saved);
}

bool signal_fault(struct thread *thread, uint64_t address)
{
    const struct frame *frame = &thread->frame;
    /* One that faults while it takes a signal would do so for ever. */
    if (frame->vector >= 32 || !(thread->share->fault_vectors >> frame->vector & 1) || thread->mask == UINT64_MAX)
        return false;
    struct signal_frame saved = {.vector = frame->vector, .error = frame->error, .address = address};
    return enter(thread, &saved);
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
