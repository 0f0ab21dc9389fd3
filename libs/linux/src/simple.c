/* Calls of Linux programs that libposix does not answer, and that are answered at once: a file has no mode and no owner that a
 * program could set, a machine no name. */
#include <errno.h>
#include <fcntl.h>
#include <posix/system_call.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "calls.h"
#include "internal.h"

#define CLOSE_ON_EXEC 4 /* of close_range: mark them, and do not close them */

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

static long of_files(long number, long a, long b, long c)
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
    case SYS_fchownat:
    case SYS_futimesat:
        return change_file(a, (const char *)b, 0);
    case SYS_fchmod:
    case SYS_fchown:
        return change_open(a);
    case SYS_getxattr:
    case SYS_lgetxattr:
    case SYS_fgetxattr:
    case SYS_listxattr:
    case SYS_llistxattr:
    case SYS_flistxattr:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}

long linux_simple_call(long number, long a, long b, long c)
{
    switch (number) {
    case SYS_alarm:
        return set_alarm((unsigned)a);
    case SYS_chroot:
    case SYS_sethostname:
    case SYS_setdomainname:
        return -EPERM;
    case SYS_getrlimit:
        return posix_system_call(SYS_prlimit64, 0, a, 0, b, 0, 0);
    case SYS_setrlimit:
        return posix_system_call(SYS_prlimit64, 0, a, b, 0, 0, 0);
    default:
        return of_files(number, a, b, c);
    }
}
