/* What Linux programs ask of the system. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <system/call.h>

#include "calls.h"
#include "internal.h"

#define GET_THREAD_POINTER 0x1003
#define SET_THREAD_POINTER 0x1002

/* glibc refuses to start on a kernel that it finds too old. */
long linux_name_system(void *name)
{
    static const struct utsname linux_name = {
        .sysname = "Linux", .nodename = "ambilink", .release = "6.1.0-ambilink", .version = "#1", .machine = "x86_64"};
    memcpy(name, &linux_name, sizeof linux_name);
    return 0;
}

static struct statx_timestamp time_of(struct timespec time)
{
    return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

long linux_statx(long directory, const char *path, long flags, struct statx *status)
{
    struct stat found;
    const long error = linux_status_at(directory, path, &found, flags & AT_EMPTY_PATH);
    if (error)
        return error;
    *status = (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = (uint32_t)found.st_blksize,
        .stx_nlink = (uint32_t)found.st_nlink,
        .stx_mode = (uint16_t)found.st_mode,
        .stx_ino = found.st_ino,
        .stx_size = (uint64_t)found.st_size,
        .stx_blocks = (uint64_t)found.st_blocks,
        .stx_atime = time_of(found.st_atim),
        .stx_ctime = time_of(found.st_ctim),
        .stx_mtime = time_of(found.st_mtim),
        .stx_dev_minor = (uint32_t)found.st_dev,
    };
    return 0;
}

long linux_system_information(void *information)
{
    struct sysinfo now = {.uptime = sys_clock(CLOCK_SINCE_BOOT) / NANOSECONDS, .procs = 1, .mem_unit = 1};
    memcpy(information, &now, sizeof now - sizeof now.__reserved);
    return 0;
}

/* There are no symbolic links but those that Linux makes: what a program is. */
long linux_read_link(long directory, const char *path, char *text, unsigned long size)
{
    if (strcmp(path, "/proc/self/exe") != 0) {
        struct stat status;
        const long error = file_status_at(directory, path, &status, 0);
        return error ? error : -EINVAL;
    }
    if (!size)
        return -EINVAL;
    const unsigned long length = strlen(linux_path), part = length < size - 1 ? length : size - 1;
    *text = '/'; /* names in the image are relative */
    memcpy(text + 1, linux_path, part);
    return (long)part + 1;
}

/* What a thread pointer leads to begins with itself (psABI 3.4.6). */
long linux_thread_pointer(long code, unsigned long address)
{
    uint64_t now;
    switch (code) {
    case SET_THREAD_POINTER:
        return sys_thread_set_tls((void *)address) == STATUS_OK ? 0 : -EPERM;
    case GET_THREAD_POINTER:
        __asm__ volatile("movq %%fs:0, %0" : "=r"(now));
        *(uint64_t *)address = now;
        return 0;
    default:
        return -EINVAL;
    }
}

long linux_time(long *seconds)
{
    const long now = sys_clock(CLOCK_WALL) / NANOSECONDS;
    if (seconds)
        *seconds = now;
    return now;
}

long linux_time_of_day(struct timeval *time)
{
    const int64_t now = sys_clock(CLOCK_WALL);
    if (time)
        *time = (struct timeval){.tv_sec = now / NANOSECONDS, .tv_usec = now % NANOSECONDS / 1000};
    return 0;
}
