/* Which call goes where: those that musl makes too are libposix's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <posix/groups.h>
#include <posix/system_call.h>
#include <string.h>
#include <sys/syscall.h>
#include <system/call.h>

#include "calls.h"
#include "internal.h"

#define RANDOM_FLAGS 7 /* do not wait; of whichever source */
#define SIGNAL_SET_SIZE 8
#define ARGUMENT(index) ((long)LINUX_ARGUMENT(caller, index))

static long call(const struct linux_frame *caller)
{
    const long number = (long)caller->number;
    const long a = ARGUMENT(0), b = ARGUMENT(1), c = ARGUMENT(2), d = ARGUMENT(3), e = ARGUMENT(4), f = ARGUMENT(5);
    POSIX_NEEDS_ALL();
    linux_try_pointers(caller);
    switch (number) {
    case SYS_mmap:
        return linux_mmap((unsigned long)a, (unsigned long)b, (unsigned long)c, (unsigned long)d, e, (unsigned long)f);
    case SYS_munmap:
        return linux_munmap((unsigned long)a, (unsigned long)b);
    case SYS_mprotect:
        return linux_mprotect((unsigned long)a, (unsigned long)b, (unsigned long)c);
    case SYS_brk:
        return linux_brk((unsigned long)a);
    case SYS_mremap:
        return linux_mremap((unsigned long)a, (unsigned long)b, (unsigned long)c, (unsigned long)d);
    case SYS_readv:
    case SYS_writev:
        return c > IOV_MAX || c < 0 ? -EINVAL : c ? posix_system_call(number, a, b, c, d, e, f) : linux_is_open(a);
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
        return d != SIGNAL_SET_SIZE ? -EINVAL : posix_system_call(number, a, b, c, d, e, f);
    case SYS_getrandom:
        return c & ~RANDOM_FLAGS ? -EINVAL : posix_system_call(number, a, b, c, d, e, f);
    case SYS_time:
        return linux_time((long *)a);
    case SYS_gettimeofday:
        return linux_time_of_day((struct timeval *)a);
    case SYS_getgroups:
        return 0;
    case SYS_getresuid:
    case SYS_getresgid:
        return *(int *)a = *(int *)b = *(int *)c = 0;
    case SYS_setuid:
    case SYS_setgid:
        return a ? -EPERM : 0; /* there is one user */
    case SYS_getcpu:
        return linux_cpu((unsigned *)a, (unsigned *)b);
    case SYS_fadvise64:
        return linux_is_open(a);
    case SYS_sendfile:
        return linux_send_file(a, b, (long *)c, (unsigned long)d);
    case SYS_madvise:
        return linux_madvise((unsigned long)a, (unsigned long)b, c);
    case SYS_clone:
        return linux_clone(caller, (unsigned long)a, (unsigned long)b, (int *)c, (int *)d, (unsigned long)e);
    case SYS_clone3:
        return linux_clone3(caller, (const uint64_t *)a, (unsigned long)b);
    case SYS_uname:
        return linux_name_system((void *)a);
    case SYS_statx:
        return linux_statx(a, (const char *)b, c, (struct statx *)e);
    case SYS_readlink:
        return linux_read_link(AT_FDCWD, (const char *)a, (char *)b, (unsigned long)c);
    case SYS_readlinkat:
        return linux_read_link(a, (const char *)b, (char *)c, (unsigned long)d);
    case SYS_sysinfo:
        return linux_system_information((void *)a);
    case SYS_sched_getaffinity:
        return linux_affinity((unsigned long)b, (uint64_t *)c);
    case SYS_arch_prctl:
        return linux_thread_pointer(a, (unsigned long)b);
    default:
        return posix_system_call(number, a, b, c, d, e, f);
    }
}

__attribute__((visibility("hidden"))) long linux_call(const struct linux_frame *caller)
{
    const long result = call(caller);
    if (result == -ENOSYS && caller->number != SYS_rseq) /* which glibc asks for in every program, and does without */
        linux_report_missing((long)caller->number);
    return result;
}
