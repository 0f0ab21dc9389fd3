/* Signals, locks whose owner inherits, and priorities (boot/README.md, "Calls"). */
#ifndef SYSTEM_SIGNAL_H
#define SYSTEM_SIGNAL_H
#include <system/call.h>

static inline uint64_t sys_word(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* Where this process' threads take signals: a function that is called with the struct signal_frame on its stack and ends with
 * sys_signal_return. NULL: nowhere. Faults whose bit is set in `vectors` are signals, too. The two masks say which signals and
 * which faults are taken on the signal stack of a thread that has one. */
static inline int64_t sys_signal_entry(void (*entry)(struct signal_frame *frame), uint32_t vectors, uint64_t stack_signals,
                                       uint32_t stack_vectors)
{
    return sys_invoke(SYS_SIGNAL_ENTRY, (uint64_t)(uintptr_t)entry, vectors, stack_signals, stack_vectors, 0, 0);
}

/* This thread's signal stack; size 0: none; SIGNAL_STACK_ASK: it stays. *before: address and size as they were. */
static inline int64_t sys_signal_stack(uint64_t address, uint64_t size, uint64_t before[2])
{
    return sys_invoke(SYS_SIGNAL_STACK, address, size, sys_word(before), 0, 0, 0);
}

/* SIGNAL_BLOCK, ...: signals that this thread does not take now; *before: that it did not take, or with SIGNAL_PENDING those
 * that were sent. */
static inline int64_t sys_signal_mask(unsigned how, uint64_t set, uint64_t *before)
{
    return sys_invoke(SYS_SIGNAL_MASK, how, set, sys_word(before), 0, 0, 0);
}

/* One of the set that was sent, which is not taken then; waits for one until `deadline` (0: for ever). STATUS_TIMED_OUT,
 * STATUS_INTERRUPTED: another one was taken. */
static inline int64_t sys_signal_accept(uint64_t set, uint64_t deadline)
{
    return sys_invoke(SYS_SIGNAL_MASK, SIGNAL_ACCEPT, set, 0, deadline, 0, 0);
}

static inline _Noreturn void sys_signal_return(const struct signal_frame *frame)
{
    for (;;)
        sys_invoke(SYS_SIGNAL_RETURN, sys_word(frame), 0, 0, 0, 0, 0);
}

/* To a thread of this process, by number (0: this one). Signal 0: its wait, or its next one, ends with STATUS_INTERRUPTED.
 * STATUS_PEER_GONE: there is no such thread. */
static inline int64_t sys_thread_signal(int64_t number, unsigned signal)
{
    return sys_invoke(SYS_THREAD_SIGNAL, (uint64_t)number, signal, 0, 0, 0, 0);
}

/* To whichever thread of a process takes it first (0: this process). `sender` goes with it. Signal 0: nothing is sent.
 * STATUS_INVALID: the process takes none. */
static inline int64_t sys_process_signal(handle_t process, unsigned signal, uint64_t sender)
{
    return sys_invoke(SYS_PROCESS_SIGNAL, process, signal, sender, 0, 0, 0);
}

/* Locks whose owner inherits the priority of those that wait: a word, 0 or the owner's number, with FUTEX_WAITERS. To be taken
 * and given back by the program itself where no thread waits. STATUS_OVERLAP: this thread, or one that waits for it, has it. */
static inline int64_t sys_futex_lock(const void *word, unsigned flags, uint64_t deadline)
{
    return sys_invoke(SYS_FUTEX_LOCK, sys_word(word), flags, deadline, 0, 0, 0);
}

static inline int64_t sys_futex_unlock(const void *word, unsigned flags)
{
    return sys_invoke(SYS_FUTEX_UNLOCK, sys_word(word), flags, 0, 0, 0, 0);
}

/* Linux' list of locks that this thread has, which are marked, and given up, if the process ends. */
static inline int64_t sys_futex_list(const void *head)
{
    return sys_invoke(SYS_FUTEX_LIST, sys_word(head), 0, 0, 0, 0, 0);
}

/* A thread of this process, by number (0: this one), runs before all of a lower priority: the one before. PRIORITY_ASK: it stays
 * as it is. STATUS_NO_RIGHT: the process may not have so much. */
static inline int64_t sys_thread_priority(int64_t number, unsigned priority)
{
    return sys_invoke(SYS_THREAD_PRIORITY, (uint64_t)number, priority, 0, 0, 0, 0);
}
#endif
