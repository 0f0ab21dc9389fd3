#include <errno.h>

#include "internal.h"

long error_of(int64_t status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_BAD_HANDLE:
        return -EBADF;
    case STATUS_NO_RIGHT:
        return -EACCES;
    case STATUS_NO_MEMORY:
        return -ENOMEM;
    case STATUS_BAD_ADDRESS:
        return -EFAULT;
    case STATUS_OVERLAP:
        return -ENOMEM; /* what POSIX asks for where a range is not mapped as a whole */
    case STATUS_PEER_GONE:
        return -EPIPE;
    case STATUS_LIMIT:
        return -ENFILE;
    case STATUS_TOO_LONG:
        return -EMSGSIZE;
    case STATUS_NOT_FOUND:
        return -ENOENT;
    case STATUS_CORRUPT:
        return -EIO;
    case STATUS_TIMED_OUT:
        return -ETIMEDOUT;
    case STATUS_CHANGED:
        return -EAGAIN;
    case STATUS_INTERRUPTED:
    case STATUS_RESTART:
    case STATUS_IGNORED:
        return -EINTR;
    default:
        return -EINVAL;
    }
}
