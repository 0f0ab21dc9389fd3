/* Signals within a process: what each does is kept here; the kernel knows which a thread does not take. */
#include <errno.h>
#include <signal_arch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>

#include "internal.h"

#define CANCEL 33 /* musl's SIGCANCEL */

typedef void handler(int signal, siginfo_t *information, void *context);

/* As musl hands it over. */
struct action {
    union {
        void (*plain)(int signal);
        handler *full;
    } handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

volatile int signal_unblockers;
static struct action actions[SIGNAL_MAX + 1];
static volatile int lock;

void __signal_entry(struct signal_frame *frame);
void signal_take(struct signal_frame *frame);

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

static int is_ignored(int signal, const struct action *action)
{
    if (action->handler.plain != SIG_DFL)
        return action->handler.plain == SIG_IGN;
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static int is_handled(const struct action *action)
{
    return action->handler.plain != SIG_DFL && action->handler.plain != SIG_IGN;
}

/* Faults that have a handler are signals; others end the process, and the kernel reports them. */
static void set_entry(void)
{
    unsigned vectors = 0;
    for (int signal = 1; signal <= SIGNAL_MAX; signal++)
        if (is_handled(&actions[signal]))
            vectors |= fault_vectors(signal);
    sys_signal_entry(__signal_entry, vectors);
}

long signal_action(long signal, const void *new, void *before)
{
    if (signal < 1 || signal > SIGNAL_MAX || (new && (signal == SIGKILL || signal == SIGSTOP)))
        return -EINVAL;
    lock_take(&lock);
    if (before)
        memcpy(before, &actions[signal], sizeof *actions);
    if (new) {
        memcpy(&actions[signal], new, sizeof *actions);
        set_entry();
    }
    lock_release(&lock);
    return 0;
}

long signal_change_mask(long how, const uint64_t *set, uint64_t *before)
{
    if (set && (how < SIG_BLOCK || how > SIG_SETMASK))
        return -EINVAL;
    const uint64_t always = bit(SIGKILL) | bit(SIGSTOP);
    return error_of(sys_signal_mask(set ? (unsigned)how : SIGNAL_BLOCK, set ? *set & ~always : 0, before));
}

long signal_wait(const uint64_t *set)
{
    set_entry();
    return error_of(sys_signal_mask(SIGNAL_WAIT, *set, NULL));
}

/* To a thread of this process; 0: to this one. */
long signal_send(long thread, long signal)
{
    if (signal < 0 || signal > SIGNAL_MAX)
        return -EINVAL;
    if (signal == SIGKILL || signal == SIGSTOP)
        sys_process_exit(128 + signal);
    if (signal && is_ignored((int)signal, &actions[signal]))
        return 0;
    lock_take(&lock);
    set_entry();
    lock_release(&lock);
    const int64_t status = signal ? sys_thread_signal(thread, (unsigned)signal) : STATUS_OK;
    return status == STATUS_PEER_GONE ? -ESRCH : error_of(status);
}

static void handle(int signal, const struct action *action, siginfo_t *information, struct signal_frame *frame)
{
    ucontext_t context = {0};
    context_save(&context, frame);
    memcpy(&context.uc_sigmask, &frame->mask, sizeof frame->mask);
    const uint64_t own = action->flags & SA_NODEFER ? 0 : bit(signal);
    sys_signal_mask(SIGNAL_SET, frame->mask | action->mask | own, NULL);
    if (action->flags & SA_SIGINFO)
        action->handler.full(signal, information, &context);
    else
        action->handler.plain(signal);
    context_load(frame, &context);
    memcpy(&frame->mask, &context.uc_sigmask, sizeof frame->mask);
}

void signal_take(struct signal_frame *frame)
{
    siginfo_t information = {0};
    int signal = (int)frame->signal, code = SI_TKILL;
    if (!signal) {
        signal = fault_signal(frame, &code);
        information.si_addr = (void *)(uintptr_t)(frame->vector == 14 ? frame->address : frame->registers[15]);
    }
    information.si_signo = signal;
    information.si_code = code;
    const struct action action = actions[signal];
    const int is_fault = !frame->signal;
    if (is_fault && (!is_handled(&action) || frame->mask & bit(signal))) {
        sys_signal_entry(__signal_entry, 0); /* it faults again, and the kernel reports it */
        return;
    }
    if (!is_fault && is_ignored(signal, &action))
        return;
    if (!is_handled(&action))
        sys_process_exit(128 + signal);
    if (action.flags & SA_RESETHAND)
        actions[signal].handler.plain = SIG_DFL;
    handle(signal, &action, &information, frame);
    /* A thread that was to be cancelled before it waited must not wait, nor one that unblocked a signal to wait for it. */
    if (signal == CANCEL || signal_unblockers)
        sys_thread_signal(0, 0);
}
