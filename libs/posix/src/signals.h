/* Signals, of the files that send and take them. */
#ifndef POSIX_SIGNALS_H
#define POSIX_SIGNALS_H
#include <signal.h>
#include <stdbool.h>

#include "internal.h"

#pragma GCC visibility push(hidden)
/* What a handler learns beside the number. */
struct signal_information {
    int signal, code, sender, overrun; /* sender: a process, or a timer */
    union sigval value;                /* of a child that ended: its status */
    long thread;                       /* that takes it; 0: whichever does first */
};

/* Send one with this; of a number below SIGRTMIN there is one at a time. -EAGAIN: too many wait. */
long signal_queue(const struct signal_information *information);
/* What came with a signal that this thread takes. False: nothing. */
bool signal_unqueue(int signal, struct signal_information *information);
/* One of that timer was sent and not taken: it gets so many more overruns. */
bool signal_overrun(int timer, int more);
/* Only while this is held are the entries changed: no signal is taken meanwhile. */
uint64_t signal_hold(volatile int *lock);
void signal_let(volatile int *lock, uint64_t mask);
/* From now on the process takes signals; until then those whose action is the default end it. */
void signal_begin(void);
void signal_describe(const struct signal_information *information, siginfo_t *described);
long signal_accept(const uint64_t *set, siginfo_t *described, const struct timespec *span);
long signal_pending_set(uint64_t *set);
long signal_stack(const stack_t *new, stack_t *before);
/* To another process, or where `process` is negative to the group of that one. */
long process_send(long process, long signal);
/* The actions whose handler is SIG_IGN. */
uint64_t signal_ignored_set(void);
void signal_ignore_set(uint64_t set);
/* Children leave nothing to wait for. */
bool signal_drops_children(void);
#pragma GCC visibility pop
#endif
