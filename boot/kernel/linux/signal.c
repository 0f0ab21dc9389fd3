#include "linux/signal.h"

#include "linux/error.h"
#include "memory/user.h"
#include "object/thread.h"

#define SIGNAL_MAX 64
#define SIGNAL_KILL 9
#define SIGNAL_STOP 19
#define ACTION_IGNORE 1 /* 0: the default */
#define HOW_MAX 2
#define SET_SIZE 8

/* Linux' struct sigaction for a kernel. */
struct action {
    uint64_t handler, flags, restorer, mask;
};

int64_t linux_sigaction(uint64_t signal, uint64_t action_user, uint64_t old_user, uint64_t set_size)
{
    struct action action, old = {0};
    if (set_size != SET_SIZE || !signal || signal > SIGNAL_MAX ||
        (action_user && (signal == SIGNAL_KILL || signal == SIGNAL_STOP)))
        return LINUX_EINVAL;
    if (action_user && !user_read(current_thread->space, &action, action_user, sizeof action))
        return LINUX_EFAULT;
    if (action_user && action.handler > ACTION_IGNORE)
        return LINUX_ENOSYS;
    if (old_user && !user_write(current_thread->space, old_user, &old, sizeof old))
        return LINUX_EFAULT;
    return 0;
}

int64_t linux_sigprocmask(uint64_t how, uint64_t set_user, uint64_t old_user, uint64_t set_size)
{
    uint64_t set, old = 0;
    if (set_size != SET_SIZE || (set_user && how > HOW_MAX))
        return LINUX_EINVAL;
    if ((set_user && !user_read(current_thread->space, &set, set_user, sizeof set)) ||
        (old_user && !user_write(current_thread->space, old_user, &old, sizeof old)))
        return LINUX_EFAULT;
    return 0;
}
