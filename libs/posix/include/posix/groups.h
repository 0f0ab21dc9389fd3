/* Groups of system calls that few programs make. A static program gets what does them (files of the archive libposix.a) only
 * where something calls them: whatever calls one of a group by its number names the symbol posix_GROUP, in a section that
 * no link keeps. posix_system_call itself names none: without its group a call answers ENOSYS. The shared library has all. */
#ifndef POSIX_GROUPS_H
#define POSIX_GROUPS_H
#include <sys/syscall.h>

#define POSIX_NEEDS(group) __asm__ volatile(".pushsection .posix.needs, \"e\"\n\t.quad posix_" #group "\n\t.popsection")

/* For what passes on numbers of others. */
#define POSIX_NEEDS_ALL()         \
    do {                          \
        POSIX_NEEDS(descriptors); \
        POSIX_NEEDS(files);       \
        POSIX_NEEDS(machine);     \
        POSIX_NEEDS(pipes);       \
        POSIX_NEEDS(processes);   \
        POSIX_NEEDS(signals);     \
        POSIX_NEEDS(timers);      \
    } while (0)

static inline __attribute__((always_inline)) void posix_needs(long number)
{
    if (!__builtin_constant_p(number))
        return;
    switch (number) {
#ifdef SYS_dup2
    case SYS_dup2:
#endif
    case SYS_read:
    case SYS_pread64:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_dup3:
    case SYS_close:
    case SYS_lseek:
    case SYS_fstat:
    case SYS_fcntl:
    case SYS_ioctl:
    case SYS_dup:
        POSIX_NEEDS(descriptors);
        break;
#ifdef SYS_open
    case SYS_open:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_rename:
    case SYS_link:
    case SYS_readlink:
    case SYS_symlink:
    case SYS_mknod:
#endif
    case SYS_openat:
    case SYS_newfstatat:
    case SYS_faccessat:
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
    case SYS_utimensat:
    case SYS_statfs:
    case SYS_fstatfs:
    case SYS_prlimit64:
    case SYS_readlinkat:
    case SYS_getdents64:
    case SYS_ftruncate:
    case SYS_truncate:
    case SYS_pwrite64:
    case SYS_flock:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_umask:
    case SYS_chdir:
    case SYS_fchdir:
    case SYS_getcwd:
    case SYS_sendfile:
    case SYS_copy_file_range:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_fallocate:
    case SYS_symlinkat:
    case SYS_mknodat:
    case SYS_getrusage:
        POSIX_NEEDS(files);
        break;
#ifdef SYS_pipe
    case SYS_pipe:
    case SYS_poll:
    case SYS_select:
    case SYS_eventfd:
    case SYS_epoll_create:
    case SYS_epoll_wait:
#endif
    case SYS_pipe2:
    case SYS_eventfd2:
    case SYS_epoll_create1:
    case SYS_epoll_ctl:
    case SYS_epoll_pwait:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_socket:
    case SYS_socketpair:
    case SYS_bind:
    case SYS_listen:
    case SYS_connect:
    case SYS_accept:
    case SYS_accept4:
    case SYS_shutdown:
    case SYS_getsockname:
    case SYS_getpeername:
    case SYS_getsockopt:
    case SYS_setsockopt:
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_sendmsg:
    case SYS_recvmsg:
        POSIX_NEEDS(pipes);
        break;
    case SYS_getgroups:
    case SYS_setgroups:
    case SYS_getresuid:
    case SYS_getresgid:
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
    case SYS_getpriority:
    case SYS_setpriority:
    case SYS_sched_getaffinity:
    case SYS_sched_setaffinity:
    case SYS_sched_rr_get_interval:
    case SYS_getcpu:
    case SYS_sysinfo:
    case SYS_mlock:
    case SYS_munlock:
    case SYS_munlockall:
    case SYS_mlock2:
    case SYS_mlockall:
    case SYS_sync:
    case SYS_syncfs:
        POSIX_NEEDS(machine);
        break;
    case SYS_wait4:
    case SYS_waitid:
    case SYS_getppid:
#ifdef SYS_getpgrp
    case SYS_getpgrp:
#endif
    case SYS_getpgid:
    case SYS_getsid:
    case SYS_setpgid:
    case SYS_setsid:
        POSIX_NEEDS(processes);
        break;
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
    case SYS_rt_sigsuspend:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_kill:
    case SYS_rt_sigpending:
    case SYS_rt_sigtimedwait:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_sigaltstack:
    case SYS_times:
#ifdef SYS_pause
    case SYS_pause:
#endif
        POSIX_NEEDS(signals);
        break;
    case SYS_setitimer:
    case SYS_getitimer:
    case SYS_timer_create:
    case SYS_timer_settime:
    case SYS_timer_gettime:
    case SYS_timer_getoverrun:
    case SYS_timer_delete:
        POSIX_NEEDS(timers);
        break;
    default:
        break;
    }
}
#endif
