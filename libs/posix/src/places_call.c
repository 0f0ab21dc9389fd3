/* Which call goes where, of the group `files`, beside those of files_call.c: the working folder, copies, what there is not. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "internal.h"

/* As Linux answers where a file system has no such things. */
static long not_here(long directory, const char *path)
{
    struct stat status;
    const long error = file_status_at(directory, path, &status, 0);
    return !error ? -EEXIST : error == -ENOENT ? -EPERM : error;
}

static long send_file(long out, long in, long *offset, unsigned long count)
{
    return file_copy(out, NULL, in, offset, count);
}

static long change_mask(long mask)
{
    static long kept = 022;
    return __atomic_exchange_n(&kept, mask & 0777, __ATOMIC_RELAXED);
}

long call_of_places(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
#ifdef SYS_open
    case SYS_symlink:
        return not_here(AT_FDCWD, (void *)b);
    case SYS_mknod:
        return not_here(AT_FDCWD, (void *)a);
#endif
    case SYS_symlinkat:
        return not_here(b, (void *)c);
    case SYS_mknodat:
        return not_here(a, (void *)b);
    case SYS_chdir:
        return working_set((void *)a);
    case SYS_fchdir:
        return working_set_by(a);
    case SYS_getcwd:
        return working_get((void *)a, (unsigned long)b);
    case SYS_umask:
        return change_mask(a);
    case SYS_sendfile:
        return send_file(a, b, (void *)c, (unsigned long)d);
    case SYS_copy_file_range:
        return f ? -EINVAL : file_copy(c, (void *)d, a, (void *)b, (unsigned long)e);
    case SYS_preadv:
        return file_vector_at(a, (void *)b, c, d, 0);
    case SYS_pwritev:
        return file_vector_at(a, (void *)b, c, d, 1);
    case SYS_fallocate:
        return file_allocate(a, b, c, d);
    default:
        return -ENOSYS;
    }
}
