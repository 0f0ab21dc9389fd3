/* Threads that wait for a word of memory to change, until another one says that it did. Nothing is made for a word: those
 * that wait for it are found by its address in their process, or, where it is shared, by its place in the memory object. So
 * nobody's waiters are in the way of others that do not share that memory. */
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
/* The running thread's exit word is zeroed, and one thread woken that waits for it, by its address or by its memory.
 * STATUS_OK, or CALL_AGAIN. A word that cannot be written is no matter. */
int64_t futex_leave(struct thread *thread);
#endif
