/* Which call goes where, of the group `descriptors`: what is done with one that is open, as standard output always is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "internal.h"

const char posix_descriptors; /* posix/groups.h */

long call_of_descriptors(long number, long a, long b, long c, long d)
{
    switch (number) {
    case SYS_read:
        return file_read(a, (void *)b, (unsigned long)c);
    case SYS_pread64:
        return file_read_at(a, (void *)b, (unsigned long)c, d);
    case SYS_readv:
        return file_read_vector(a, (void *)b, c);
    case SYS_write:
        return file_write(a, (void *)b, (unsigned long)c);
    case SYS_writev:
        return file_write_vector(a, (void *)b, c);
#ifdef SYS_dup2
    case SYS_dup2:
        return a == b ? file_control(a, F_GETFL, 0) < 0 ? -EBADF : b : file_duplicate_to(a, b, 0);
#endif
    case SYS_dup3:
        return file_duplicate_to(a, b, c);
    case SYS_close:
        return file_close(a);
    case SYS_lseek:
        return file_seek(a, b, c);
    case SYS_fstat:
        return file_status(a, (void *)b);
    case SYS_fcntl:
        return file_control(a, b, c);
    case SYS_ioctl:
        return file_device_control(a, (unsigned long)b, (void *)c);
    case SYS_dup:
        return file_duplicate(a, 0);
    default:
        return -ENOSYS;
    }
}
