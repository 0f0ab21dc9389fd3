/* Signals: a thread is interrupted, and goes on at an address of its process that the process chose, with all that it was
 * doing on its stack (struct signal_frame). What a signal means is the program's to say; the kernel knows numbers, which of
 * them a thread does not take now, and that a thread which waits wakes up for one. A call that waits for an answer is not
 * interrupted: its service has the request. */
#ifndef OBJECT_SIGNAL_H
#define OBJECT_SIGNAL_H
#include "object/thread.h"

/* Send one to a thread of a process that takes signals; 0: its next wait ends with STATUS_INTERRUPTED, or the present one. */
int64_t signal_send(struct thread *thread, uint64_t signal);
/* The same to whichever thread of a process takes it first; one that waits is looked for in steps, so that the result may be
 * CALL_AGAIN. `sender` goes with it, until the next one. */
int64_t signal_send_any(struct share *share, const struct process_record *record, uint64_t signal, uint64_t sender);
/* The running thread's mask changes; the one before is written to a user address (0: nowhere). With SIGNAL_WAIT and
 * SIGNAL_ACCEPT it waits. */
int64_t signal_mask(uint64_t how, uint64_t set, uint64_t before_user);
/* The running thread is again what a frame on its stack says. */
int64_t signal_return(uint64_t frame_user);
/* The rest of signal_disturb. */
void signal_end_wait(struct thread *thread);
/* The running thread takes a signal before it goes on. False: its stack cannot hold it. */
bool signal_take(struct thread *thread);
/* A fault of the running thread's. True: its process wants it as a signal, and it was taken. */
bool signal_fault(struct thread *thread, uint64_t address);

/* What was sent to it, or to whichever thread of its process. */
static inline uint64_t signal_pending(const struct thread *thread)
{
    return thread->pending | thread->share->pending;
}

/* A thread waits: not if a signal is there. */
static inline void signal_disturb(struct thread *thread)
{
    if (thread->record.state == THREAD_DEAD) /* its process may be gone */
        return;
    if (__builtin_expect(thread->is_disturbed || (signal_pending(thread) & ~thread->mask), 0))
        signal_end_wait(thread);
}

/* A signal that the thread is to take now; not in the middle of a call that is done in steps. */
static inline bool signal_is_due(const struct thread *thread)
{
    return __builtin_expect(signal_pending(thread) & ~thread->mask, 0) && !thread->progress;
}
#endif
