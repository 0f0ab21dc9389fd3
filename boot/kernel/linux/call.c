#include "linux/linux.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "linux/error.h"
#include "linux/files.h"
#include "linux/memory.h"
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

static int64_t do_clock_gettime(uint64_t clock, uint64_t to_user)
{
    uint64_t now = clock ? clock_since_boot() : clock_wall(), words[2] = {now / NANOSECONDS, now % NANOSECONDS};
    return user_write(current_thread->space, to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}

static int64_t do_getrandom(uint64_t to_user, uint64_t size)
{
    for (uint64_t done = 0; done < size; done += 8) {
        uint64_t word = random_next(), part = size - done < 8 ? size - done : 8;
        if (!user_write(current_thread->space, to_user + done, &word, part))
            return LINUX_EFAULT;
    }
    return (int64_t)size;
}

static int64_t set_thread_pointer(uint64_t operation, uint64_t address)
{
    if (operation != ARCH_SET_FS || address >= PROCESS_HIGHEST_ADDRESS)
        return LINUX_EINVAL;
    current_thread->thread_pointer = address;
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
    case LINUX_WRITEV:
        return linux_writev(a, b, c);
    case LINUX_OPEN:
        return linux_open(a, b);
    case LINUX_OPENAT:
        return linux_open(b, c);
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
    case LINUX_SIGPROCMASK:
    case LINUX_FCNTL:
        return 0; /* there are no signals, and no child that would inherit a descriptor */
    case LINUX_IOCTL:
        return LINUX_ENOTTY;
    case LINUX_ARCH_PRCTL:
        return set_thread_pointer(a, b);
    case LINUX_GETPID:
    case LINUX_GETTID:
    case LINUX_SET_TID_ADDRESS:
        return (int64_t)current_thread->process->record.number;
    case LINUX_CLOCK_GETTIME:
        return do_clock_gettime(a, b);
    case LINUX_GETRANDOM:
        return do_getrandom(a, b);
    case LINUX_EXIT:
    case LINUX_EXIT_GROUP:
        process_end(current_thread->process, PROCESS_EXITED, (int64_t)(a & 0xff));
        return 0;
    default:
        log_format("kernel: %s: Linux system call %u is not there\n", current_thread->process->record.name, number);
        return LINUX_ENOSYS;
    }
}
