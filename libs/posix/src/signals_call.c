/* Which call goes where, of the group `signals`. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "signals.h"

const char posix_signals; /* posix/groups.h */

/* A process may bring any code that the kernel has not; what it says of the sender is true. */
static long queue(long process, long thread, long signal, const siginfo_t *from)
{
    if (signal < 0 || signal > SIGNAL_MAX)
        return -EINVAL;
    if (process != OWN_NUMBER)
        return process > 0 ? -ESRCH : -EINVAL;
    if (signal == 0 || signal == SIGKILL || signal == SIGSTOP)
        return signal_send(thread, signal);
    const struct signal_information information = {
        .signal = (int)signal, .code = from->si_code, .sender = from->si_pid, .value = from->si_value, .thread = thread};
    return signal_queue(&information);
}

long call_of_signals(long number, long a, long b, long c, long d)
{
    switch (number) {
    case SYS_rt_sigprocmask:
        return signal_change_mask(a, (void *)b, (void *)c);
    case SYS_rt_sigaction:
        return signal_action(a, (void *)b, (void *)c);
    case SYS_rt_sigsuspend:
        return signal_wait((void *)a);
    case SYS_tkill:
        return a > 0 ? signal_send(a, b) : -EINVAL;
    case SYS_tgkill:
        return a <= 0 || b <= 0 ? -EINVAL : a != OWN_NUMBER ? -ESRCH : signal_send(b, c);
    case SYS_kill:
        return a == 0 || a == OWN_NUMBER || a == -1 ? signal_send(0, b) : process_send(a, b);
    case SYS_rt_sigpending:
        return signal_pending_set((void *)a);
    case SYS_rt_sigtimedwait:
        return signal_accept((void *)a, (void *)b, (void *)c);
    case SYS_rt_sigqueueinfo:
        return queue(a, 0, b, (void *)c);
    case SYS_rt_tgsigqueueinfo:
        return b > 0 ? queue(a, b, c, (void *)d) : -EINVAL;
    case SYS_sigaltstack:
        return signal_stack((void *)a, (void *)b);
#ifdef SYS_pause
    case SYS_pause: {
        uint64_t mask = 0;
        sys_signal_mask(SIGNAL_BLOCK, 0, &mask);
        return signal_wait(&mask);
    }
#endif
    case SYS_times:
        return time_of_process((void *)a);
    default:
        return -ENOSYS;
    }
}
