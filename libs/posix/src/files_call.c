/* Which call goes where, of the group `files`: by paths, files that can be written, folders, what a program asks of the system.
 * ENOSYS: a call of no group, or of another. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <posix/groups.h>

#include "internal.h"

const char posix_files; /* posix/groups.h */

/* There are no symbolic links: what is there is none. */
static long file_no_link(long directory, const char *path)
{
    struct stat status;
    long error = file_status_at(directory, path, &status, 0);
    return error ? error : -EINVAL;
}

long call_of_files(long number, long a, long b, long c, long d, long e, long f)
{
    POSIX_NEEDS(descriptors);
    POSIX_NEEDS(mappings); /* what is open can be mapped, by mmap, which each program calls */
    switch (number) {
#ifdef SYS_open
    case SYS_open:
        return file_open(AT_FDCWD, (void *)a, b);
    case SYS_stat:
    case SYS_lstat:
        return file_status_at(AT_FDCWD, (void *)a, (void *)b, 0);
    case SYS_access:
        return file_access(AT_FDCWD, (void *)a, b);
    case SYS_mkdir:
        return tmp_file_make_folder(AT_FDCWD, (void *)a);
    case SYS_rmdir:
        return tmp_file_remove(AT_FDCWD, (void *)a, AT_REMOVEDIR);
    case SYS_unlink:
        return tmp_file_remove(AT_FDCWD, (void *)a, 0);
    case SYS_rename:
        return tmp_file_rename(AT_FDCWD, (void *)a, AT_FDCWD, (void *)b);
    case SYS_readlink:
        return file_no_link(AT_FDCWD, (void *)a);
#endif
    case SYS_openat:
        return file_open(a, (void *)b, c);
    case SYS_newfstatat:
        return file_status_at(a, (void *)b, (void *)c, d);
    case SYS_faccessat:
        return file_access(a, (void *)b, c);
    case SYS_mkdirat:
        return tmp_file_make_folder(a, (void *)b);
    case SYS_unlinkat:
        return tmp_file_remove(a, (void *)b, c);
    case SYS_renameat:
    case SYS_renameat2:
        return number == SYS_renameat2 && e ? -EINVAL : tmp_file_rename(a, (void *)b, c, (void *)d);
    case SYS_readlinkat:
        return file_no_link(a, (void *)b);
    case SYS_getdents64:
        return file_entries(a, (void *)b, (unsigned long)c);
    case SYS_ftruncate:
        return file_resize(a, b);
    case SYS_truncate:
        return file_resize_at((void *)a, b);
    case SYS_pwrite64:
        return file_write_at(a, (void *)b, (unsigned long)c, d);
    case SYS_flock:
        return file_lock_whole(a, b);
    case SYS_fsync:
    case SYS_fdatasync:
        return file_control(a, F_GETFL, 0) < 0 ? -EBADF : 0; /* memory is all there is */
    case SYS_getrusage:
        return time_usage(a, (void *)b);
    default:
        return call_of_places(number, a, b, c, d, e, f);
    }
}
