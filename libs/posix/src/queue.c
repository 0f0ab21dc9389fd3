/* Signals that were sent within this process and not taken, with what came with each; and calls about them. */
#include <ambilink/page.h>
#include <errno.h>
#include <signal_arch.h>
#include <string.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "signals.h"

#define QUEUED_MAX ((int)(AMBILINK_PAGE_SIZE / sizeof(struct signal_information)))
#define FIRST_QUEUED 32 /* below, a signal that was sent and not taken is not sent again */

static struct signal_information *queued; /* in their order; a page that is made for the first one */
static int count;
static volatile int lock;

static bool is_like(const struct signal_information *one, const struct signal_information *other)
{
    return one->signal == other->signal && one->thread == other->thread;
}

static bool is_there(const struct signal_information *information)
{
    for (int i = 0; i < count; i++)
        if (is_like(&queued[i], information))
            return true;
    return false;
}

static int64_t send(const struct signal_information *information)
{
    const unsigned signal = (unsigned)information->signal;
    return information->thread ? sys_thread_signal(information->thread, signal) : sys_process_signal(0, signal, 0);
}

long signal_queue(const struct signal_information *information)
{
    signal_begin();
    const uint64_t mask = signal_hold(&lock);
    if (!queued) {
        const long made = memory_map(0, AMBILINK_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        queued = made < 0 ? NULL : (struct signal_information *)made;
    }
    const bool is_merged = information->signal < FIRST_QUEUED && is_there(information), is_full = !queued || count == QUEUED_MAX;
    const int64_t status = send(information);
    if (status == STATUS_OK && !is_merged && !is_full)
        queued[count++] = *information;
    signal_let(&lock, mask);
    if (status == STATUS_OK && is_full && information->signal >= FIRST_QUEUED)
        return -EAGAIN;
    return status == STATUS_PEER_GONE ? -ESRCH : error_of(status);
}

bool signal_unqueue(int signal, struct signal_information *information)
{
    const long self = sys_thread_number();
    const uint64_t mask = signal_hold(&lock);
    int found = count;
    for (int i = count; i-- > 0;) {
        const long thread = queued[i].thread;
        /* Its own come first, and of each the oldest. */
        if (queued[i].signal == signal && (thread == self || (!thread && (found == count || !queued[found].thread))))
            found = i;
    }
    const bool is_found = found < count;
    if (is_found) {
        *information = queued[found];
        memmove(&queued[found], &queued[found + 1], (size_t)(--count - found) * sizeof *queued);
        if (is_there(information))
            send(information);
    }
    signal_let(&lock, mask);
    return is_found;
}

bool signal_overrun(int timer, int more)
{
    bool is_found = false;
    const uint64_t mask = signal_hold(&lock);
    for (int i = 0; i < count && !is_found; i++)
        if (queued[i].code == SI_TIMER && queued[i].sender == timer) {
            queued[i].overrun += more;
            is_found = true;
        }
    signal_let(&lock, mask);
    return is_found;
}

void signal_describe(const struct signal_information *information, siginfo_t *described)
{
    *described = (siginfo_t){.si_signo = information->signal, .si_code = information->code};
    if (information->code == SI_TIMER) {
        described->si_timerid = information->sender;
        described->si_overrun = information->overrun;
        described->si_value = information->value;
        return;
    }
    described->si_pid = information->sender;
    if (information->signal == SIGCHLD && information->code > 0)
        described->si_status = information->value.sival_int;
    else
        described->si_value = information->value;
}

long signal_accept(const uint64_t *set, siginfo_t *described, const struct timespec *span)
{
    uint64_t deadline = 0;
    if (span) {
        if (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= NANOSECONDS)
            return -EINVAL;
        const int64_t now = sys_clock(CLOCK_SINCE_BOOT), most = INT64_MAX - now, length = time_span(span);
        deadline = (uint64_t)(now + (length < most ? length : most));
    }
    int64_t status;
    signal_begin();
    do
        status = sys_signal_accept(*set & ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)), deadline);
    while (status == STATUS_IGNORED);
    if (status < 0)
        return status == STATUS_TIMED_OUT ? -EAGAIN : error_of(status);
    struct signal_information found = {.signal = (int)status, .code = SI_USER};
    signal_unqueue((int)status, &found);
    if (described)
        signal_describe(&found, described);
    return (long)status;
}

long signal_pending_set(uint64_t *set)
{
    uint64_t mask, pending;
    sys_signal_mask(SIGNAL_BLOCK, 0, &mask);
    const int64_t status = sys_signal_mask(SIGNAL_PENDING, 0, &pending);
    *set = pending & mask;
    return error_of(status);
}

long signal_stack(const stack_t *new, stack_t *before)
{
    uint64_t was[2];
    sys_signal_stack(0, SIGNAL_STACK_ASK, was);
    const bool is_on = (uint64_t)(uintptr_t)__builtin_frame_address(0) - was[0] < was[1];
    if (before)
        *before = (stack_t){.ss_sp = (void *)(uintptr_t)was[0],
                            .ss_size = was[1],
                            .ss_flags = is_on ? SS_ONSTACK : was[1] ? 0 : SS_DISABLE};
    if (!new)
        return 0;
    if (is_on)
        return -EPERM;
    if (new->ss_flags & ~SS_DISABLE)
        return -EINVAL;
    if (new->ss_flags & SS_DISABLE)
        return error_of(sys_signal_stack(0, 0, NULL));
    return new->ss_size < MINSIGSTKSZ ? -ENOMEM : error_of(sys_signal_stack((uint64_t)(uintptr_t)new->ss_sp, new->ss_size, NULL));
}
