/* Which call goes where. Whatever is neither here nor in a group answers ENOSYS. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <posix/spawn.h>
#include <posix/system_call.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "internal.h"

/* Groups that a static program may lack (posix/groups.h). */
#pragma weak call_of_descriptors
#pragma weak call_of_files
#pragma weak call_of_machine
#pragma weak call_of_pipes
#pragma weak call_of_processes
#pragma weak call_of_signals
#pragma weak call_of_timers

static long fill_random(uint8_t *bytes, unsigned long size)
{
    static uint64_t state;
    if (!state)
        state = (uint64_t)sys_clock(CLOCK_WALL) ^ (uint64_t)(uintptr_t)sys_start_info();
    for (unsigned long i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    return (long)size;
}

static long name_system(struct utsname *name)
{
    memset(name, 0, sizeof *name);
    strcpy(name->sysname, "Ambilink");
    strcpy(name->nodename, "ambilink");
    strcpy(name->release, "0.1");
    strcpy(name->version, "0.1");
#if defined(__x86_64__)
    strcpy(name->machine, "x86_64");
#elif defined(__aarch64__)
    strcpy(name->machine, "aarch64");
#elif defined(__riscv)
    strcpy(name->machine, "riscv64");
#endif
    return 0;
}

static long call_of_group(long number, long a, long b, long c, long d, long e, long f)
{
    long result = -ENOSYS;
    if (call_of_descriptors)
        result = call_of_descriptors(number, a, b, c, d);
    if (result == -ENOSYS && call_of_files)
        result = call_of_files(number, a, b, c, d, e, f);
    if (result == -ENOSYS && call_of_processes)
        result = call_of_processes(number, a, b, c, d);
    if (result == -ENOSYS && call_of_signals)
        result = call_of_signals(number, a, b, c, d);
    if (result == -ENOSYS && call_of_pipes)
        result = call_of_pipes(number, a, b, c, d, e, f);
    if (result == -ENOSYS && call_of_machine)
        result = call_of_machine(number, a, b, c);
    if (result == -ENOSYS && call_of_timers)
        result = call_of_timers(number, a, b, c, d);
    return result;
}

long posix_system_call(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
    case SYS_mmap:
        return memory_map((unsigned long)a, (unsigned long)b, c, d, e, (unsigned long)f);
    case SYS_munmap:
        return memory_unmap((unsigned long)a, (unsigned long)b);
    case SYS_mprotect:
        return memory_protect((unsigned long)a, (unsigned long)b, c);
    case SYS_madvise:
    case SYS_msync: /* what is shared is the file itself */
        return 0;
    case SYS_brk:
        return 0; /* no program break: malloc takes pages by mmap */
    case SYS_exit:
        sys_thread_exit();
    case SYS_exit_group:
        sys_process_exit(a);
    case SYS_set_tid_address:
        return thread_exit_word((void *)a);
    case SYS_gettid:
        return sys_thread_number();
    case SYS_getpid:
        return OWN_NUMBER;
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
        return 0;
    case SYS_set_thread_area:
        return error_of(sys_thread_set_tls((void *)a));
    case SYS_prctl:
        return a == PR_SET_NAME ? error_of(sys_thread_name((void *)b, strnlen((void *)b, THREAD_NAME_MAX - 1))) : -EINVAL;
    case SYS_set_robust_list:
        return error_of(sys_futex_list((void *)a));
    case SYS_get_robust_list:
        return 0; /* asked for by musl to see whether there is one */
    case SYS_sched_setscheduler:
        return thread_schedule(a, b, (void *)c);
    case SYS_sched_setparam:
        return thread_schedule(a, ((const struct sched_param *)b)->sched_priority ? SCHED_RR : SCHED_OTHER, (void *)b);
    case SYS_sched_getscheduler:
        a = thread_priority(a);
        return a > 0 ? SCHED_RR : a;
    case SYS_sched_getparam:
        a = thread_priority(a);
        if (a >= 0)
            *(struct sched_param *)b = (struct sched_param){.sched_priority = (int)a};
        return a < 0 ? a : 0;
    case SYS_sched_get_priority_max:
        return a == SCHED_OTHER ? 0 : a == SCHED_FIFO || a == SCHED_RR ? PRIORITY_MAX : -EINVAL;
    case SYS_sched_get_priority_min:
        return a == SCHED_OTHER ? 0 : a == SCHED_FIFO || a == SCHED_RR ? 1 : -EINVAL;
    case SYS_sched_yield:
        return error_of(sys_thread_yield());
    case SYS_futex:
        return thread_futex((void *)a, b, c, (void *)d, (void *)e, f);
    case SYS_clock_gettime:
        return time_get(a, (void *)b);
    case SYS_clock_getres:
        return time_resolution(a, (void *)b);
    case SYS_clock_nanosleep:
        return time_sleep(a, b, (void *)c, (void *)d);
    case SYS_nanosleep:
        return time_sleep(CLOCK_REALTIME, 0, (void *)a, (void *)b);
    case POSIX_CALL_TAKE_GIVEN:
        return (long)given_take((uint64_t *)a);
    case SYS_getrandom:
        return fill_random((void *)a, (unsigned long)b);
    case SYS_uname:
        return name_system((void *)a);
    default:
        return call_of_group(number, a, b, c, d, e, f);
    }
}
