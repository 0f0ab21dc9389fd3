/* What a program asks of the machine and of its user, by what POSIX and Linux say. The same program runs on the development
 * machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void users(void)
{
    uid_t user[3] = {7, 7, 7};
    gid_t group[3] = {7, 7, 7};
    CHECK(getresuid(&user[0], &user[1], &user[2]) == 0 && user[0] == getuid() && user[1] == geteuid() && user[2] == geteuid());
    CHECK(getresgid(&group[0], &group[1], &group[2]) == 0 && group[0] == getgid() && group[1] == getegid());
    CHECK(setuid(getuid()) == 0 && setgid(getgid()) == 0 && seteuid(geteuid()) == 0 && setegid(getegid()) == 0);
    CHECK(setreuid((uid_t)-1, (uid_t)-1) == 0 && setregid((gid_t)-1, (gid_t)-1) == 0);
    CHECK(setresuid((uid_t)-1, getuid(), (uid_t)-1) == 0 && setresgid((gid_t)-1, (gid_t)-1, getgid()) == 0);
    CHECK(setuid((uid_t)-1) == -1 && errno == EINVAL);
    CHECK(getgroups(0, NULL) >= 0);
}

static void scheduling(void)
{
    cpu_set_t set, none;
    struct timespec turn = {.tv_sec = -1};
    CPU_ZERO(&set);
    CPU_ZERO(&none);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
    CHECK(sched_setaffinity(0, sizeof none, &none) == -1 && errno == EINVAL);
    CHECK(sched_getaffinity(0, 1, &set) == -1 && errno == EINVAL);
    CHECK(sched_rr_get_interval(0, &turn) == 0 && turn.tv_sec >= 0);
    CHECK(sched_getcpu() >= 0);
    errno = 0;
    const int nice_value = getpriority(PRIO_PROCESS, 0);
    CHECK(errno == 0 && setpriority(PRIO_PROCESS, 0, nice_value) == 0 && getpriority(PRIO_PROCESS, 0) == nice_value);
    CHECK(getpriority(9, 0) == -1 && errno == EINVAL);
    CHECK(getpriority(PRIO_PROCESS, 0x3ffffffe) == -1 && errno == ESRCH);
}

static void memory(void)
{
    static char page[8192];
    struct sysinfo machine;
    CHECK(mlock(page, sizeof page) == 0 && munlock(page, sizeof page) == 0 && munlockall() == 0);
    CHECK(mlockall(0) == -1 && errno == EINVAL);
    CHECK(mlockall(64) == -1 && errno == EINVAL);
    sync();
    CHECK(syncfs(-1) == -1 && errno == EBADF);
    CHECK(sysinfo(&machine) == 0 && machine.mem_unit > 0 && machine.procs > 0);
}

static void limits(void)
{
    CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_CLK_TCK) == 100 && sysconf(_SC_OPEN_MAX) >= 20);
    CHECK(sysconf(_SC_PHYS_PAGES) >= 0 && sysconf(_SC_AVPHYS_PAGES) >= 0 && sysconf(_SC_ARG_MAX) >= 4096);
    CHECK(sysconf(_SC_IOV_MAX) >= 16 && sysconf(_SC_NGROUPS_MAX) >= 0 && sysconf(_SC_HOST_NAME_MAX) > 0);
    CHECK(sysconf(_SC_MONOTONIC_CLOCK) > 0 && sysconf(_SC_THREADS) > 0 && sysconf(_SC_TIMERS) > 0 && sysconf(_SC_SPAWN) > 0);
    errno = 0;
    CHECK(sysconf(100000) == -1 && errno == EINVAL);
}

int main(void)
{
    users();
    scheduling();
    memory();
    limits();
    return checks_finish("system");
}
