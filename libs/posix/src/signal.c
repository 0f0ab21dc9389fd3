/* What each signal does, and where threads take them. The kernel knows which were sent and which a thread does not take now. */
#include "signals.h"

#include <errno.h>
#include <signal_arch.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

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
static bool has_begun;

void __signal_entry(struct signal_frame *frame);
void signal_take(struct signal_frame *frame);
void signal_return(const struct signal_frame *frame);

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

/* There is no stopping: as in a process group that nothing can continue, what would stop a process is ignored. */
static bool is_ignored(int signal, const struct action *action)
{
    if (action->handler.plain != SIG_DFL)
        return action->handler.plain == SIG_IGN;
    switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return true;
    default:
        return false;
    }
}

static bool is_handled(const struct action *action)
{
    return action->handler.plain != SIG_DFL && action->handler.plain != SIG_IGN;
}

uint64_t signal_hold(volatile int *held)
{
    uint64_t mask = 0;
    sys_signal_mask(SIGNAL_SET, UINT64_MAX, &mask);
    lock_take(held);
    return mask;
}

void signal_let(volatile int *held, uint64_t mask)
{
    lock_release(held);
    sys_signal_mask(SIGNAL_SET, mask, NULL);
}

/* Faults that have a handler are signals; others end the process, and the kernel reports them. */
static void set_entry(void)
{
    uint32_t vectors = signal_recover ? fault_vectors(SIGSEGV) : 0, stack_vectors = 0;
    uint64_t stack_signals = 0;
    for (int signal = 1; signal <= SIGNAL_MAX; signal++) {
        if (!is_handled(&actions[signal]))
            continue;
        vectors |= fault_vectors(signal);
        if (actions[signal].flags & SA_ONSTACK) {
            stack_vectors |= fault_vectors(signal);
            stack_signals |= bit(signal);
        }
    }
    sys_signal_entry(__signal_entry, vectors, stack_signals, stack_vectors);
    has_begun = true;
}

void signal_begin(void)
{
    if (has_begun)
        return;
    const uint64_t mask = signal_hold(&lock);
    set_entry();
    signal_let(&lock, mask);
}

long signal_action(long signal, const void *new, void *before)
{
    if (signal < 1 || signal > SIGNAL_MAX || (new && (signal == SIGKILL || signal == SIGSTOP)))
        return -EINVAL;
    const uint64_t mask = signal_hold(&lock);
    const struct action was = actions[signal];
    if (new) {
        memcpy(&actions[signal], new, sizeof *actions);
        set_entry();
    }
    signal_let(&lock, mask);
    if (before)
        memcpy(before, &was, sizeof was);
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
    int64_t status;
    signal_begin();
    do
        status = sys_signal_mask(SIGNAL_WAIT, *set, NULL);
    while (status == STATUS_IGNORED);
    return error_of(status);
}

/* What is ignored is not even sent, but where this thread keeps it off: its action may change meanwhile. */
static bool is_dropped(int signal)
{
    uint64_t mask = 0;
    if (!is_ignored(signal, &actions[signal]))
        return false;
    sys_signal_mask(SIGNAL_BLOCK, 0, &mask);
    return !(mask & bit(signal));
}

long signal_send(long thread, long signal)
{
    if (signal < 0 || signal > SIGNAL_MAX)
        return -EINVAL;
    if (signal == SIGSTOP)
        return -ENOSYS;
    if (!signal || signal == SIGKILL) {
        const int64_t status = thread ? sys_thread_priority(thread, PRIORITY_ASK) : 0; /* is there such a thread? */
        if (status >= 0 && signal)
            sys_process_exit(EXIT_BY_SIGNAL | signal);
        return status < 0 ? -ESRCH : 0;
    }
    const struct signal_information information = {
        .signal = (int)signal, .code = thread ? SI_TKILL : SI_USER, .sender = (int)OWN_NUMBER, .thread = thread};
    return is_dropped((int)signal) ? 0 : signal_queue(&information);
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

/* False: a fault that has no handler. */
static bool find_information(const struct signal_frame *frame, siginfo_t *described)
{
    if (!frame->signal) {
        described->si_signo = fault_signal(frame, &described->si_code);
        described->si_addr = (void *)(uintptr_t)(frame->vector == 14 ? frame->address : frame->registers[15]);
        const struct action *action = &actions[described->si_signo];
        return is_handled(action) && !(frame->mask & bit(described->si_signo));
    }
    struct signal_information found = {.signal = (int)frame->signal, .code = SI_USER, .sender = (int)frame->address};
    signal_unqueue((int)frame->signal, &found);
    signal_describe(&found, described);
    return true;
}

void signal_take(struct signal_frame *frame)
{
    if (signal_recover && signal_recover(frame))
        return;
    siginfo_t information = {0};
    if (!find_information(frame, &information)) {
        sys_signal_entry(__signal_entry, 0, 0, 0); /* it faults again, and the kernel reports it */
        return;
    }
    const int signal = information.si_signo;
    lock_take(&lock);
    const struct action action = actions[signal];
    if (is_handled(&action) && action.flags & SA_RESETHAND) {
        actions[signal].handler.plain = SIG_DFL;
        set_entry();
    }
    lock_release(&lock);
    const bool drops = is_ignored(signal, &action);
    if (frame->signal && frame->error && signal != CANCEL && (drops || action.flags & SA_RESTART))
        *frame_result(frame) = (uint64_t)(drops ? STATUS_IGNORED : STATUS_RESTART);
    if (drops)
        return;
    if (!is_handled(&action))
        sys_process_exit(EXIT_BY_SIGNAL | signal);
    handle(signal, &action, &information, frame);
    /* musl's handler blocks its signal where it cancels: else the thread holds that back, and goes on to wait. */
    const bool cancels = signal == CANCEL && frame->mask & bit(CANCEL);
    if (signal == CANCEL && frame->signal && frame->error && !cancels)
        *frame_result(frame) = (uint64_t)STATUS_RESTART;
    /* A thread that was to be cancelled before it waited must not wait, nor one that unblocked a signal to wait for it. */
    if (cancels || signal_unblockers)
        sys_thread_signal(0, 0);
}

void signal_return(const struct signal_frame *frame)
{
    sys_signal_return(frame);
}

bool signal_drops_children(void)
{
    return actions[SIGCHLD].handler.plain == SIG_IGN || actions[SIGCHLD].flags & SA_NOCLDWAIT;
}

uint64_t signal_ignored_set(void)
{
    uint64_t set = 0;
    for (int signal = 1; signal <= SIGNAL_MAX; signal++)
        if (actions[signal].handler.plain == SIG_IGN)
            set |= bit(signal);
    return set;
}

void signal_ignore_set(uint64_t set)
{
    for (int signal = 1; signal <= SIGNAL_MAX; signal++)
        if (set & bit(signal))
            actions[signal].handler.plain = SIG_IGN;
    if (set)
        signal_begin();
}
