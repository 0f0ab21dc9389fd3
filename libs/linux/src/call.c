/* Which call goes where: those that musl makes too are libposix'. */
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

/* Arguments that are int and may be negative: musl extends them to 64 bits, glibc does not. */
static long extended(long number, unsigned index, long value)
{
    switch (number) {
    case SYS_openat:
    case SYS_mkdirat:
    case SYS_fchownat:
    case SYS_futimesat:
    case SYS_newfstatat:
    case SYS_unlinkat:
    case SYS_readlinkat:
    case SYS_fchmodat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_utimensat:
    case SYS_statx:
    case SYS_kill:
    case SYS_wait4:
    case SYS_close: /* what is no descriptor is -1, as a rule */
    case SYS_read:
    case SYS_write:
    case SYS_fstat:
    case SYS_fcntl:
    case SYS_ioctl:
        return index == 0 ? (int)value : value;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
        return index == 0 || index == 2 ? (int)value : value;
    case SYS_poll:
        return index == 2 ? (int)value : value;
    case SYS_mmap:
        return index == 4 ? (int)value : value;
    default:
        return value;
    }
}

static long call(const struct linux_frame *caller)
{
    const long number = (long)caller->number;
    const long a = extended(number, 0, ARGUMENT(0)), b = ARGUMENT(1), c = extended(number, 2, ARGUMENT(2)), d = ARGUMENT(3),
               e = extended(number, 4, ARGUMENT(4)), f = ARGUMENT(5);
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
    case SYS_open:
        return linux_open(AT_FDCWD, (const char *)a, b);
    case SYS_openat:
        return linux_open(a, (const char *)b, c);
    case SYS_stat:
    case SYS_lstat:
        return linux_status_at(AT_FDCWD, (const char *)a, (struct stat *)b, 0);
    case SYS_newfstatat:
        return linux_status_at(a, (const char *)b, (struct stat *)c, d);
    case SYS_ioctl:
        return linux_control(a, (unsigned long)b, (void *)c);
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
    case SYS_arch_prctl:
        return linux_thread_pointer(a, (unsigned long)b);
    default:
        return posix_system_call(number, a, b, c, d, e, f);
    }
}

__attribute__((visibility("hidden"))) long linux_call(const struct linux_frame *caller)
{
    const long number = (long)caller->number;
    long result = call(caller);
    if (result == -ENOSYS)
        result = linux_simple_call(number, extended(number, 0, ARGUMENT(0)), ARGUMENT(1), extended(number, 2, ARGUMENT(2)));
    if (result == -ENOSYS && number != SYS_rseq) /* which glibc asks for in every program, and does without */
        linux_report_missing(number);
    return result;
}
