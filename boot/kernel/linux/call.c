#include "linux/linux.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/report.h"
#include "base/work.h"
#include "linux/error.h"
#include "linux/files.h"
#include "linux/memory.h"
#include "linux/signal.h"
#include "memory/user.h"
#include "process/process.h"

enum linux_number {
    LINUX_READ = 0,
    LINUX_WRITE = 1,
    LINUX_OPEN = 2,
    LINUX_CLOSE = 3,
    LINUX_FSTAT = 5,
    LINUX_LSEEK = 8,
    LINUX_MMAP = 9,
    LINUX_MPROTECT = 10,
    LINUX_MUNMAP = 11,
    LINUX_BRK = 12,
    LINUX_SIGACTION = 13,
    LINUX_SIGPROCMASK = 14,
    LINUX_IOCTL = 16,
    LINUX_PREAD = 17,
    LINUX_READV = 19,
    LINUX_WRITEV = 20,
    LINUX_GETPID = 39,
    LINUX_EXIT = 60,
    LINUX_FCNTL = 72,
    LINUX_ARCH_PRCTL = 158,
    LINUX_GETTID = 186,
    LINUX_SET_TID_ADDRESS = 218,
    LINUX_CLOCK_GETTIME = 228,
    LINUX_EXIT_GROUP = 231,
    LINUX_OPENAT = 257,
    LINUX_GETRANDOM = 318,
};

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define RANDOM_FLAGS 7 /* do not wait; of whichever source */
#define RANDOM_MAX 0x1ffffff /* bytes of one call, as Linux has it */

enum linux_clock {
    LINUX_CLOCK_WALL = 0,
    LINUX_CLOCK_MONOTONIC = 1,
    LINUX_CLOCK_MONOTONIC_RAW = 4,
    LINUX_CLOCK_WALL_COARSE = 5,
    LINUX_CLOCK_MONOTONIC_COARSE = 6,
    LINUX_CLOCK_SINCE_BOOT = 7,
};

static int64_t do_clock_gettime(uint64_t clock, uint64_t to_user)
{
    bool is_wall = clock == LINUX_CLOCK_WALL || clock == LINUX_CLOCK_WALL_COARSE;
    if (!is_wall && clock != LINUX_CLOCK_MONOTONIC && clock != LINUX_CLOCK_MONOTONIC_RAW && clock != LINUX_CLOCK_MONOTONIC_COARSE &&
        clock != LINUX_CLOCK_SINCE_BOOT)
        return LINUX_EINVAL; /* a process' own time is not counted */
    uint64_t now = is_wall ? clock_wall() : clock_since_boot(), words[2] = {now / NANOSECONDS, now % NANOSECONDS};
    return user_write(current_thread->space, to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}

/* In steps, and not more than RANDOM_MAX bytes. */
static int64_t do_getrandom(uint64_t to_user, uint64_t size, uint64_t flags)
{
    if (flags > RANDOM_FLAGS)
        return LINUX_EINVAL;
    size = size < RANDOM_MAX ? size : RANDOM_MAX;
    for (uint64_t done = current_thread->progress ? current_thread->progress->index : 0; done < size; done += 8) {
        if (!work_left) {
            thread_keep_progress()->index = done;
            return CALL_AGAIN;
        }
        work_did(1);
        uint64_t word = random_next(), part = size - done < 8 ? size - done : 8;
        if (!user_write(current_thread->space, to_user + done, &word, part))
            return LINUX_EFAULT;
    }
    return (int64_t)size;
}

static int64_t do_arch_prctl(uint64_t operation, uint64_t address)
{
    uint64_t *pointer = &current_thread->thread_pointer;
    if (operation == ARCH_GET_FS)
        return user_write(current_thread->space, address, pointer, sizeof *pointer) ? 0 : LINUX_EFAULT;
    if (operation != ARCH_SET_FS)
        return LINUX_EINVAL;
    if (address >= PROCESS_HIGHEST_ADDRESS)
        return LINUX_EPERM;
    *pointer = address;
    cpu_set_thread_pointer(address);
    return 0;
}

int64_t linux_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    switch (number) {
    case LINUX_READ:
        return linux_read(a, b, c, 0, true);
    case LINUX_PREAD:
        return linux_read(a, b, c, d, false);
    case LINUX_WRITE:
        return linux_write(a, b, c);
    case LINUX_READV:
        return linux_readv(a, b, c);
    case LINUX_WRITEV:
        return linux_writev(a, b, c);
    case LINUX_OPEN:
        return linux_open_here(a, b);
    case LINUX_OPENAT:
        return linux_open(a, b, c);
    case LINUX_CLOSE:
        return linux_close(a);
    case LINUX_FSTAT:
        return linux_fstat(a, b);
    case LINUX_LSEEK:
        return linux_seek(a, (int64_t)b, c);
    case LINUX_MMAP:
        return linux_mmap(a, b, c, d, e, f);
    case LINUX_MPROTECT:
        return linux_mprotect(a, b, c);
    case LINUX_MUNMAP:
        return linux_munmap(a, b);
    case LINUX_BRK:
        return 0; /* none: allocators take mmap then */
    case LINUX_SIGACTION:
        return linux_sigaction(a, b, c, d);
    case LINUX_SIGPROCMASK:
        return linux_sigprocmask(a, b, c, d);
    case LINUX_FCNTL:
        return linux_fcntl(a, b, c);
    case LINUX_IOCTL:
        return linux_ioctl(a);
    case LINUX_ARCH_PRCTL:
        return do_arch_prctl(a, b);
    case LINUX_GETPID:
    case LINUX_GETTID:
    case LINUX_SET_TID_ADDRESS:
        return (int64_t)current_thread->process->record.number;
    case LINUX_CLOCK_GETTIME:
        return do_clock_gettime(a, b);
    case LINUX_GETRANDOM:
        return do_getrandom(a, b, c);
    case LINUX_EXIT:
    case LINUX_EXIT_GROUP:
        process_end(current_thread->process, PROCESS_EXITED, (int64_t)(a & 0xff));
        return 0;
    default:
        if (report_begins(current_thread->process->budget))
            log_format("kernel: %s: Linux system call %u is not there\n", current_thread->process->record.name, number);
        return LINUX_ENOSYS;
    }
}
