/* Linux' error numbers, negative as its system calls give them. */
#ifndef LINUX_ERROR_H
#define LINUX_ERROR_H

enum linux_error {
    LINUX_EPERM = -1,
    LINUX_ENOENT = -2,
    LINUX_EIO = -5,
    LINUX_EBADF = -9,
    LINUX_ENOMEM = -12,
    LINUX_EACCES = -13,
    LINUX_EFAULT = -14,
    LINUX_EEXIST = -17,
    LINUX_ENODEV = -19,
    LINUX_ENOTDIR = -20,
    LINUX_EISDIR = -21,
    LINUX_EINVAL = -22,
    LINUX_EMFILE = -24,
    LINUX_ENOTTY = -25,
    LINUX_ESPIPE = -29,
    LINUX_EROFS = -30,
    LINUX_ENAMETOOLONG = -36,
    LINUX_ENOSYS = -38,
    LINUX_EOPNOTSUPP = -95,
};
#endif
