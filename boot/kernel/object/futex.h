/* Threads that wait for a word of memory to change, until another one says that it did. Nothing is made for a word: those
 * that wait for it are found by its address in their process, or, where it is shared, by its place in the memory object. So
 * no process' waiters are in the way of others that do not share that memory. */
#ifndef OBJECT_FUTEX_H
#define OBJECT_FUTEX_H
#include "object/thread.h"

/* A word of the running thread's process. */
struct futex {
    uint64_t address;
    bool is_shared; /* with all that have its memory */
};

/* The running thread waits while the word has this value. STATUS_OK: it waits, and has its result when it is woken;
 * STATUS_CHANGED; STATUS_BAD_ADDRESS; STATUS_INVALID (no multiple of 4). */
int64_t futex_wait(struct futex futex, uint32_t value);
/* Wake those that wait when the call begins, the first `count` of them, in the order in which they came: how many; or
 * CALL_AGAIN, STATUS_BAD_ADDRESS, STATUS_INVALID. */
int64_t futex_wake(struct futex futex, uint64_t count);
/* Wake `count`, then let `moved` others wait for another word: how many were woken and moved, or as futex_wake. */
int64_t futex_requeue(struct futex from, uint64_t count, struct futex to, uint64_t moved);
/* The running thread takes a lock: a word that holds its owner's number, with FUTEX_WAITERS if others wait. Who holds what
 * others wait for has at least the priority of those that came, and so has who those wait for in turn. STATUS_OK: it has it,
 * or waits, and will have it; STATUS_OVERLAP: it, or one that waits for it, has the lock; STATUS_PEER_GONE: no thread has that
 * number; STATUS_BAD_ADDRESS, STATUS_INVALID. */
int64_t futex_lock(struct futex futex);
/* It gives a lock of its own to the next that waits; where none waits it is free. STATUS_NO_RIGHT: it is not its own; CALL_AGAIN. */
int64_t futex_unlock(struct futex futex);
/* A thread ends, with its process: locks of its list (musl's, and Linux') are marked, and one waiter of each is woken. At most
 * FUTEX_LIST_MAX. False: work ran out. */
#define FUTEX_LIST_MAX 2048
bool futex_abandon(struct thread *thread);

/* The running thread's exit word is zeroed, and one thread woken that waits for it, by its address or by its memory.
 * STATUS_OK, or CALL_AGAIN. A word that cannot be written is no matter. */
int64_t futex_leave(struct thread *thread);
#endif
