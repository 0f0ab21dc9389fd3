/* Calls of Linux programs that are answered at once: there is one user, one CPU, no swap, and a file has no mode, owner or
 * times that a program could set. */
#include <errno.h>
#include <fcntl.h>
#include <posix/system_call.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "calls.h"
#include "internal.h"

#define CLOSE_ON_EXEC 4 /* of close_range: mark them, and do not close them */
#define OWN_GROUP 1 /* of processes, and session */
#define NICE_NONE 20 /* of getpriority: 20 less the nice value */

/* What would change a file that is there: in a folder that is written it is no matter, elsewhere it cannot be. */
static long change_file(long directory, const char *path, long flags)
{
    struct stat status;
    const long error = file_status_at(directory, path, &status, flags & AT_EMPTY_PATH);
    return error ? error : status.st_mode & 0222 ? 0 : -EROFS;
}

static long change_open(long file)
{
    struct stat status;
    const long error = file_status(file, &status);
    return error ? error : status.st_mode & 0222 ? 0 : -EROFS;
}

static long set_alarm(unsigned seconds)
{
    struct itimerval new = {.it_value.tv_sec = seconds}, before = {0};
    const long error = posix_system_call(SYS_setitimer, ITIMER_REAL, (long)&new, (long)&before, 0, 0, 0);
    return error ? error : before.it_value.tv_sec + (before.it_value.tv_usec > 0);
}

static long close_range(unsigned first, unsigned last, unsigned flags)
{
    if (first > last || flags & ~(unsigned)CLOSE_ON_EXEC)
        return -EINVAL;
    for (unsigned file = first; file <= last && file < DESCRIPTORS; file++)
        if (flags)
            file_control(file, F_SETFD, FD_CLOEXEC);
        else
            file_close(file);
    return 0;
}

static long of_files(long number, long a, long b, long c, long d)
{
    switch (number) {
    case SYS_creat:
        return file_open(AT_FDCWD, (const char *)a, O_CREAT | O_WRONLY | O_TRUNC);
    case SYS_faccessat2:
        return posix_system_call(SYS_faccessat, a, b, c, 0, 0, 0);
    case SYS_close_range:
        return close_range((unsigned)a, (unsigned)b, (unsigned)c);
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
    case SYS_utime:
    case SYS_utimes:
        return change_file(AT_FDCWD, (const char *)a, 0);
    case SYS_fchmodat:
    case SYS_futimesat:
        return change_file(a, (const char *)b, 0);
    case SYS_utimensat:
        return b ? change_file(a, (const char *)b, d) : change_open(a);
    case SYS_fchownat:
        return change_file(a, (const char *)b, 0);
    case SYS_fchmod:
    case SYS_fchown:
        return change_open(a);
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_mknod:
    case SYS_mknodat:
        return -EPERM; /* the file system has none */
    case SYS_getxattr:
    case SYS_lgetxattr:
    case SYS_fgetxattr:
    case SYS_listxattr:
    case SYS_llistxattr:
    case SYS_flistxattr:
        return -EOPNOTSUPP;
    case SYS_sync:
        return 0; /* memory is all there is */
    case SYS_syncfs:
        return linux_is_open(a);
    default:
        return -ENOSYS;
    }
}

long linux_simple_call(long number, long a, long b, long c, long d)
{
    switch (number) {
    case SYS_alarm:
        return set_alarm((unsigned)a);
    case SYS_getpgrp:
        return OWN_GROUP;
    case SYS_getpgid:
    case SYS_getsid:
        return a == 0 || a == posix_system_call(SYS_getpid, 0, 0, 0, 0, 0, 0) ? OWN_GROUP : -ESRCH;
    case SYS_setsid:
    case SYS_chroot:
    case SYS_sethostname:
    case SYS_setdomainname:
        return -EPERM;
    case SYS_setpgid:
    case SYS_setpriority:
    case SYS_sched_setaffinity:
        return 0;
    case SYS_getpriority:
        return NICE_NONE;
    case SYS_getrlimit:
        return posix_system_call(SYS_prlimit64, 0, a, 0, b, 0, 0);
    case SYS_setrlimit:
        return posix_system_call(SYS_prlimit64, 0, a, b, 0, 0, 0);
    case SYS_mlock:
    case SYS_munlock:
    case SYS_mlockall:
    case SYS_munlockall:
    case SYS_mlock2:
        return 0;
    default:
        return of_files(number, a, b, c, d);
    }
}
