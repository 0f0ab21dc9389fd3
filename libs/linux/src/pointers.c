/* The addresses that calls are given, tried before a call begins: one that leads nowhere faults here, and the call answers
 * EFAULT (fault.c) without having done a part. */
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "calls.h"

#define POINTERS_MAX 3 /* of a call */
#define PARTS_MAX 1024 /* of readv and writev, as Linux has it */

enum kind {
    TEXT = 1, /* NUL-terminated */
    READS,    /* `size` bytes */
    WRITES,
    MAY = 4, /* with one of those: 0 is no address */
    READS_N = 8, /* as many bytes as the argument `size` says */
    WRITES_N,
    READS_PARTS, /* struct iovec, as many as the argument `size` says: the parts of readv are written */
    WRITES_PARTS,
};

struct pointer {
    uint8_t argument, kind; /* kind 0: there is no more */
    uint16_t size;
};

#define STAT 144
#define STATX 256
#define ACTION 32
#define SET 8
#define TIME 16
#define UTSNAME 390
#define MESSAGE 56 /* struct msghdr */
#define RUSAGE 144
#define STATFS 120

/* By number of the call. */
static const struct pointer pointers[][POINTERS_MAX] = {
    [SYS_read] = {{1, WRITES_N, 2}},
    [SYS_write] = {{1, READS_N, 2}},
    [SYS_open] = {{0, TEXT, 0}},
    [SYS_stat] = {{0, TEXT, 0}, {1, WRITES, STAT}},
    [SYS_fstat] = {{1, WRITES, STAT}},
    [SYS_lstat] = {{0, TEXT, 0}, {1, WRITES, STAT}},
    [SYS_rt_sigaction] = {{1, READS | MAY, ACTION}, {2, WRITES | MAY, ACTION}},
    [SYS_rt_sigprocmask] = {{1, READS | MAY, SET}, {2, WRITES | MAY, SET}},
    [SYS_pread64] = {{1, WRITES_N, 2}},
    [SYS_pwrite64] = {{1, READS_N, 2}},
    [SYS_readv] = {{1, WRITES_PARTS, 2}},
    [SYS_writev] = {{1, READS_PARTS, 2}},
    [SYS_access] = {{0, TEXT, 0}},
    [SYS_pipe] = {{0, WRITES, 8}},
    [SYS_select] = {{1, WRITES | MAY, 8}, {2, WRITES | MAY, 8}, {3, WRITES | MAY, 8}},
    [SYS_nanosleep] = {{0, READS, TIME}},
    [SYS_connect] = {{1, READS_N, 2}},
    [SYS_accept] = {{1, WRITES | MAY, 2}},
    [SYS_sendto] = {{1, READS_N, 2}},
    [SYS_recvfrom] = {{1, WRITES_N, 2}},
    [SYS_sendmsg] = {{1, READS, MESSAGE}},
    [SYS_recvmsg] = {{1, WRITES, MESSAGE}},
    [SYS_bind] = {{1, READS_N, 2}},
    [SYS_getsockname] = {{2, WRITES, 4}},
    [SYS_getpeername] = {{2, WRITES, 4}},
    [SYS_socketpair] = {{3, WRITES, 8}},
    [SYS_getsockopt] = {{4, WRITES, 4}},
    [SYS_uname] = {{0, WRITES, UTSNAME}},
    [SYS_truncate] = {{0, TEXT, 0}},
    [SYS_getcwd] = {{0, WRITES_N, 1}},
    [SYS_chdir] = {{0, TEXT, 0}},
    [SYS_rename] = {{0, TEXT, 0}, {1, TEXT, 0}},
    [SYS_mkdir] = {{0, TEXT, 0}},
    [SYS_rmdir] = {{0, TEXT, 0}},
    [SYS_creat] = {{0, TEXT, 0}},
    [SYS_unlink] = {{0, TEXT, 0}},
    [SYS_readlink] = {{0, TEXT, 0}, {1, WRITES_N, 2}},
    [SYS_link] = {{0, TEXT, 0}, {1, TEXT, 0}},
    [SYS_statfs] = {{0, TEXT, 0}, {1, WRITES, STATFS}},
    [SYS_fstatfs] = {{1, WRITES, STATFS}},
    [SYS_getrusage] = {{1, WRITES, RUSAGE}},
    [SYS_futex] = {{0, READS, 4}},
    [SYS_getdents64] = {{1, WRITES_N, 2}},
    [SYS_clock_gettime] = {{1, WRITES, TIME}},
    [SYS_clock_getres] = {{1, WRITES | MAY, TIME}},
    [SYS_clock_nanosleep] = {{2, READS, TIME}},
    [SYS_openat] = {{1, TEXT, 0}},
    [SYS_mkdirat] = {{1, TEXT, 0}},
    [SYS_newfstatat] = {{1, TEXT, 0}, {2, WRITES, STAT}},
    [SYS_unlinkat] = {{1, TEXT, 0}},
    [SYS_linkat] = {{1, TEXT, 0}, {3, TEXT, 0}},
    [SYS_utimensat] = {{1, TEXT | MAY, 0}, {2, READS | MAY, 2 * TIME}},
    [SYS_renameat] = {{1, TEXT, 0}, {3, TEXT, 0}},
    [SYS_readlinkat] = {{1, TEXT, 0}, {2, WRITES_N, 3}},
    [SYS_faccessat] = {{1, TEXT, 0}},
    [SYS_ppoll] = {{2, READS | MAY, TIME}, {3, READS | MAY, SET}},
    [SYS_pipe2] = {{0, WRITES, 8}},
    [SYS_renameat2] = {{1, TEXT, 0}, {3, TEXT, 0}},
    [SYS_getrandom] = {{0, WRITES_N, 1}},
    [SYS_statx] = {{1, TEXT, 0}, {4, WRITES, STATX}},
};

static void try_reading(uint64_t address)
{
    (void)*(const volatile char *)address;
}

/* Its value stays, whatever other threads do with it. */
static void try_writing(uint64_t address)
{
    __atomic_fetch_or((char *)address, 0, __ATOMIC_RELAXED);
}

/* Both ends: what is between them the kernel sees, or nothing does. */
static void try_range(uint64_t address, uint64_t size, bool writes)
{
    if (!size)
        return;
    void (*const try_byte)(uint64_t) = writes ? try_writing : try_reading;
    try_byte(address);
    try_byte(address + size - 1);
}

static void try_parts(const struct iovec *parts, uint64_t count, bool writes)
{
    for (uint64_t i = 0; count <= PARTS_MAX && i < count; i++)
        try_range((uint64_t)parts[i].iov_base, parts[i].iov_len, writes);
}

void linux_try_pointers(const struct linux_frame *caller)
{
    if (caller->number >= sizeof pointers / sizeof *pointers)
        return;
    const struct pointer *const end = pointers[caller->number] + POINTERS_MAX;
    for (const struct pointer *each = end - POINTERS_MAX; each < end && each->kind; each++) {
        const uint64_t address = LINUX_ARGUMENT(caller, each->argument);
        if (each->kind < READS_N && each->kind & MAY && !address)
            continue;
        switch (each->kind) {
        case TEXT:
        case TEXT | MAY:
            try_reading(address);
            break;
        case READS_N:
        case WRITES_N:
            try_range(address, LINUX_ARGUMENT(caller, each->size), each->kind == WRITES_N);
            break;
        case READS_PARTS:
        case WRITES_PARTS:
            try_parts((const struct iovec *)address, LINUX_ARGUMENT(caller, each->size), each->kind == WRITES_PARTS);
            break;
        default:
            try_range(address, each->size, (each->kind & ~MAY) == WRITES);
        }
    }
}
