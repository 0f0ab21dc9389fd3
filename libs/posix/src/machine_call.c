/* What programs ask of a machine with one CPU, one user and no swap. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <system/call.h>
#include <system/start.h>

#include "internal.h"

#define USER 0       /* the one, and the one group */
#define NICE_NONE 20 /* of getpriority: 20 less the nice value */
#define TURN 10000000 /* nanoseconds of one, for threads of a priority above 0 (boot/README.md) */

const char posix_machine; /* posix/groups.h */

/* -1: it stays as it is. */
static long set_users(long first, long second, long third)
{
    const long all[] = {first, second, third};
    for (unsigned i = 0; i < 3; i++)
        if ((int)all[i] != -1 && (int)all[i] != USER)
            return -EPERM;
    return 0;
}

static long users(unsigned *first, unsigned *second, unsigned *third)
{
    *first = *second = *third = USER;
    return 0;
}

static long processors(unsigned long size, uint8_t *mask)
{
    if (size < sizeof(long) || size % sizeof(long))
        return -EINVAL;
    memset(mask, 0, size);
    *mask = 1;
    return sizeof(long);
}

static long describe(struct sysinfo *machine)
{
    /* How much memory there is, is no process' business: each has a budget. */
    *machine = (struct sysinfo){.uptime = (unsigned long)(sys_clock(CLOCK_SINCE_BOOT) / NANOSECONDS), .procs = 1, .mem_unit = 1};
    return 0;
}

static long processor(unsigned *number, unsigned *node)
{
    if (number)
        *number = 0;
    if (node)
        *node = 0;
    return 0;
}

static bool is_process(long number)
{
    return number == 0 || number == sys_process_number(sys_start_handle(START_HANDLE_SELF));
}

long call_of_machine(long number, long a, long b, long c)
{
    switch (number) {
    case SYS_getgroups:
        return a < 0 ? -EINVAL : 0;
    case SYS_setgroups:
        return a == 0 || (a == 1 && *(const unsigned *)b == USER) ? 0 : -EPERM;
    case SYS_getresuid:
    case SYS_getresgid:
        return users((void *)a, (void *)b, (void *)c);
    case SYS_setuid:
    case SYS_setgid:
        return (int)a == -1 ? -EINVAL : set_users(a, a, a);
    case SYS_setreuid:
    case SYS_setregid:
        return set_users(a, b, -1);
    case SYS_setresuid:
    case SYS_setresgid:
        return set_users(a, b, c);
    case SYS_getpriority:
        return a < PRIO_PROCESS || a > PRIO_USER ? -EINVAL : a == PRIO_PROCESS && !is_process(b) ? -ESRCH : NICE_NONE;
    case SYS_setpriority: /* the kernel shares the CPU by budgets */
        return a < PRIO_PROCESS || a > PRIO_USER ? -EINVAL : a == PRIO_PROCESS && !is_process(b) ? -ESRCH : c ? -EACCES : 0;
    case SYS_sched_getaffinity:
        return processors((unsigned long)b, (void *)c);
    case SYS_sched_setaffinity:
        return b > 0 && *(const uint8_t *)c & 1 ? 0 : -EINVAL;
    case SYS_sched_rr_get_interval:
        *(struct timespec *)b = (struct timespec){.tv_nsec = TURN};
        return 0;
    case SYS_getcpu:
        return processor((void *)a, (void *)b);
    case SYS_sysinfo:
        return describe((void *)a);
    case SYS_mlock:
    case SYS_munlock:
    case SYS_munlockall:
        return 0; /* nothing is ever paged out */
    case SYS_mlock2:
        return c & ~1l ? -EINVAL : 0;
    case SYS_mlockall:
        return !a || a & ~7l ? -EINVAL : 0;
    case SYS_sync:
        return 0; /* memory is all there is */
    case SYS_syncfs:
        return file_control(a, F_GETFL, 0) < 0 ? -EBADF : 0;
    default:
        return -ENOSYS;
    }
}
