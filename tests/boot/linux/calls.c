/* System calls with good and bad arguments: a line for each, with the error or what came of it. The same program runs
 * under Linux, which is the judge. Argument: a file that can be read, of 15 bytes ("a line\nanother\n"). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L

static void show(const char *name, long value)
{
    printf("calls: %s: %s%ld\n", name, value < 0 ? "error " : "", value < 0 ? (long)errno : value);
}

#define CALL(name, ...) show(name, syscall(__VA_ARGS__))
/* For results that differ, as addresses do: 0 or the error. */
#define TRIES(name, ...) show(name, syscall(__VA_ARGS__) == -1 ? -1 : 0)

static void open_files(const char *path)
{
    char missing[300];
    snprintf(missing, sizeof missing, "%s-not-there", path);
    CALL("open to read", SYS_open, path, O_RDONLY);
    CALL("close", SYS_close, 3);
    CALL("close twice", SYS_close, 3);
    CALL("open what is missing", SYS_open, missing, O_RDONLY);
    CALL("open nothing", SYS_open, "", O_RDONLY);
    CALL("open a wrong address", SYS_open, 1, O_RDONLY);
    CALL("open exclusively what is there", SYS_open, path, O_RDONLY | O_CREAT | O_EXCL, 0600);
    CALL("open a file as a folder", SYS_open, path, O_RDONLY | O_DIRECTORY);
    CALL("open close-on-exec", SYS_open, path, O_RDONLY | O_CLOEXEC);
    CALL("openat from the current folder", SYS_openat, AT_FDCWD, path, O_RDONLY);
    CALL("openat from a file", SYS_openat, 3, "x", O_RDONLY);
    CALL("openat from a closed one", SYS_openat, 77, "x", O_RDONLY);
    CALL("openat, absolute", SYS_openat, 77, path, O_RDONLY);
    CALL("close 5", SYS_close, 5);
    CALL("close 4", SYS_close, 4);
    CALL("close a negative one", SYS_close, -1);
}

static void read_files(void)
{
    char data[32];
    struct iovec parts[2] = {{data, 4}, {data + 4, 28}};
    struct stat information;
    CALL("read", SYS_read, 3, data, 7);
    CALL("read to the end", SYS_read, 3, data, sizeof data);
    CALL("read at the end", SYS_read, 3, data, sizeof data);
    CALL("pread", SYS_pread64, 3, data, sizeof data, 7L);
    CALL("pread behind the end", SYS_pread64, 3, data, sizeof data, 100L);
    CALL("pread before the beginning", SYS_pread64, 3, data, sizeof data, -1L);
    CALL("read into nothing", SYS_pread64, 3, 1, 4L, 0L);
    CALL("read from a closed one", SYS_read, 77, data, 1);
    CALL("write to what is read only", SYS_write, 3, data, 1);
    CALL("seek", SYS_lseek, 3, 2L, SEEK_SET);
    CALL("seek on", SYS_lseek, 3, 3L, SEEK_CUR);
    CALL("seek from the end", SYS_lseek, 3, -1L, SEEK_END);
    CALL("seek before the beginning", SYS_lseek, 3, -1L, SEEK_SET);
    CALL("seek nowhere", SYS_lseek, 3, 0L, 9);
    CALL("seek too far", SYS_lseek, 3, INT64_MAX, SEEK_CUR);
    CALL("seek back", SYS_lseek, 3, 0L, SEEK_SET);
    CALL("readv", SYS_readv, 3, parts, 2L);
    CALL("readv of too many", SYS_readv, 3, parts, 5000L);
    CALL("readv of nothing", SYS_readv, 3, 1, 1L);
    CALL("readv from a closed one", SYS_readv, 77, parts, 0L);
    CALL("writev of nothing", SYS_writev, 1, 1, 1L);
    CALL("fstat", SYS_fstat, 3, &information);
    show("its size", information.st_size);
    CALL("fstat of a closed one", SYS_fstat, 77, &information);
    CALL("fstat into nothing", SYS_fstat, 3, 1);
    CALL("ioctl of a file", SYS_ioctl, 3, 0x5413, data);
    CALL("ioctl of a closed one", SYS_ioctl, 77, 0x5413, data);
    CALL("fcntl: set close-on-exec", SYS_fcntl, 3, F_SETFD, FD_CLOEXEC);
    CALL("fcntl: what is no command", SYS_fcntl, 3, 999, 0);
    CALL("fcntl of a closed one", SYS_fcntl, 77, F_GETFD, 0);
}

static void map_memory(void)
{
    const long anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
    TRIES("mmap", SYS_mmap, 0L, PAGE, PROT_READ, anonymous, -1, 0L);
    CALL("mmap of nothing", SYS_mmap, 0L, 0L, PROT_READ, anonymous, -1, 0L);
    CALL("mmap of no type", SYS_mmap, 0L, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0L);
    CALL("mmap at an odd address", SYS_mmap, at + 1, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0L);
    CALL("mmap from an odd offset", SYS_mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, 3, 1L);
    CALL("mmap of a closed one", SYS_mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, 77, 0L);
    CALL("mmap over what is there", SYS_mmap, at, PAGE, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0L);
    CALL("mmap of a file over what is there", SYS_mmap, at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, 3, 0L);
    at[0] = 7; /* it is there still */
    CALL("mmap of a shared file to write", SYS_mmap, 0L, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0L);
    TRIES("mmap of a shared file to read", SYS_mmap, 0L, PAGE, PROT_READ, MAP_SHARED, 3, 0L);
    char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0);
    file[0] = 'A';
    show("a private copy", file[0] == 'A' && file[1] == ' ' && file[14] == '\n' && file[15] == 0);
    file = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, 3, 0); /* longer than the file */
    char *next = mmap(NULL, PAGE, PROT_READ, anonymous, -1, 0);
    show("beyond a file's end nothing else is mapped", next < file || next >= file + 3 * PAGE);
    CALL("mprotect", SYS_mprotect, at, PAGE, PROT_READ);
    CALL("mprotect of nothing", SYS_mprotect, at, 0L, PROT_READ);
    CALL("mprotect at an odd address", SYS_mprotect, at + 1, PAGE, PROT_READ);
    CALL("mprotect with unknown bits", SYS_mprotect, at, PAGE, 0x70);
    munmap(at + PAGE, PAGE);
    CALL("mprotect over a hole", SYS_mprotect, at, 3 * PAGE, PROT_READ);
    CALL("munmap of nothing", SYS_munmap, at, 0L);
    CALL("munmap at an odd address", SYS_munmap, at + 1, PAGE);
    CALL("munmap", SYS_munmap, at, 4 * PAGE);
}

/* More than a kernel may do at once: it is done in steps, which must not show. */
static void map_much(void)
{
    const long size = 10L << 20, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, anonymous, -1, 0);
    long sum = 0;
    for (long i = 0; i < size; i += PAGE)
        sum += at[i], at[i] = 1;
    show("10 MiB are zero", sum);
    CALL("mprotect of all", SYS_mprotect, at, size, PROT_READ);
    CALL("mprotect of all, back", SYS_mprotect, at, size, PROT_READ | PROT_WRITE);
    for (long i = 0; i < size; i += PAGE)
        sum += at[i];
    show("pages that stayed", sum);
    TRIES("mmap of a file over much", SYS_mmap, at + PAGE, size - 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 3, 0L);
    show("the file is there, and what was around it", at[PAGE] + at[0] + at[size - PAGE]);
    TRIES("mmap of a copy over that", SYS_mmap, at, size - PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, 3, 0L);
    at[15] = 2;
    show("a copy of the file, and zeroes", at[0] + at[14] + at[15] + at[16]);
    CALL("mmap of much over what is there", SYS_mmap, at - PAGE, size, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0L);
    CALL("munmap of all", SYS_munmap, at, size);
    CALL("mprotect of what is gone", SYS_mprotect, at, size, PROT_READ);
    TRIES("mmap of much without access", SYS_mmap, at, size, PROT_NONE, anonymous | MAP_FIXED, -1, 0L);
    CALL("read into it", SYS_pread64, 3, at, 4L, 0L);
    CALL("munmap of that", SYS_munmap, at, size);
}

/* Calls of many parts, and of much that is dear. */
static void do_long(void)
{
    static char data[65536], line[8192];
    static struct iovec none[1024], bytes[1024];
    for (int i = 0; i < 1024; i++)
        none[i].iov_base = bytes[i].iov_base = data + i, bytes[i].iov_len = 1;
    CALL("readv of empty parts", SYS_readv, 3, none, 1024L);
    CALL("lseek to the beginning", SYS_lseek, 3, 0L, SEEK_SET);
    CALL("readv of bytes", SYS_readv, 3, bytes, 1024L);
    show("which are the file's", memcmp(data, "a line\nanother\n", 15));
    none[1023].iov_len = 15;
    CALL("lseek back", SYS_lseek, 3, 0L, SEEK_SET);
    CALL("readv of empty parts, then one", SYS_readv, 3, none, 1024L);
    CALL("getrandom of much", SYS_getrandom, data, sizeof data, 0L);
    CALL("getrandom into what is not there", SYS_getrandom, data + (1L << 40), sizeof data, 0L);
    long zeroes = 0;
    for (size_t i = 0; i < sizeof data; i += 64)
        zeroes += memcmp(data + i, line, 64) == 0;
    show("of which none is left out", zeroes);
    fflush(stdout);
    snprintf(line, sizeof line, "calls: a long line %0*d\n", 4000, 7);
    CALL("write of a long line", SYS_write, 1, line, strlen(line));
    for (int i = 0; i < 1024; i++)
        bytes[i].iov_base = line + i;
    bytes[1023].iov_base = "\n";
    long done = 0;
    for (long part; done < 1024 && (part = writev(1, bytes + done, 1024 - (int)done)) > 0;)
        done += part;
    show("writev of bytes", done);
}

static void ask_others(void)
{
    char data[64];
    struct timespec now;
    uint64_t set = 0, pointer = 0;
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {0}, old = {1, 1, 1, 1};
    CALL("clock_gettime", SYS_clock_gettime, CLOCK_MONOTONIC_RAW, &now);
    CALL("clock_gettime of no clock", SYS_clock_gettime, 99, &now);
    CALL("clock_gettime into nothing", SYS_clock_gettime, CLOCK_REALTIME, 1);
    CALL("getrandom", SYS_getrandom, data, sizeof data, 1);
    CALL("getrandom with unknown flags", SYS_getrandom, data, sizeof data, 0x100);
    CALL("getrandom into nothing", SYS_getrandom, 1, 8L, 0);
    CALL("sigaction: ignore", SYS_rt_sigaction, SIGUSR1, &action, &old, 8L);
    show("what was there", (long)(old.handler | old.flags | old.mask));
    CALL("sigaction of no signal", SYS_rt_sigaction, 0, &action, 0L, 8L);
    CALL("sigaction of SIGKILL", SYS_rt_sigaction, SIGKILL, &action, 0L, 8L);
    CALL("sigaction with another set", SYS_rt_sigaction, SIGUSR1, &action, 0L, 4L);
    CALL("sigprocmask", SYS_rt_sigprocmask, SIG_BLOCK, 0L, &set, 8L);
    CALL("sigprocmask in no way", SYS_rt_sigprocmask, 9, &set, 0L, 8L);
    CALL("sigprocmask from nothing", SYS_rt_sigprocmask, SIG_BLOCK, 1, 0L, 8L);
    CALL("arch_prctl: get FS", SYS_arch_prctl, 0x1003, &pointer);
    show("which is not 0", pointer != 0);
    CALL("arch_prctl of nothing", SYS_arch_prctl, 0x9999, 0);
    CALL("arch_prctl: FS in the kernel", SYS_arch_prctl, 0x1002, 0xffff800000000000);
}

/* Where this layer does less than Linux, it says so. */
static void ask_for_more(const char *path)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {(uint64_t)ask_for_more, 0x04000000, (uint64_t)ask_for_more, 0};
    struct timespec spent;
    char missing[300];
    snprintf(missing, sizeof missing, "%s-not-there", path);
    TRIES("less: mmap to execute", SYS_mmap, 0L, PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    TRIES("less: mmap to read and execute", SYS_mmap, 0L, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    TRIES("less: mmap to write and execute", SYS_mmap, 0L, PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRIES("less: mprotect to execute", SYS_mprotect, at, PAGE, PROT_READ | PROT_EXEC);
    TRIES("less: mmap that grows", SYS_mmap, 0L, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0L);
    TRIES("less: open to write", SYS_open, path, O_WRONLY);
    TRIES("less: open and make empty", SYS_open, path, O_RDONLY | O_TRUNC);
    TRIES("less: open and make", SYS_open, missing, O_WRONLY | O_CREAT, 0600);
    TRIES("less: a temporary file", SYS_open, "/tmp", O_TMPFILE | O_RDWR, 0600);
    TRIES("duplicate", SYS_fcntl, 3, F_DUPFD, 10);
    TRIES("a handler", SYS_rt_sigaction, SIGUSR1, &action, 0L, 8L);
    TRIES("the CPU's time", SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &spent);
    TRIES("dup2", SYS_dup2, 3, 20);
}

int main(int count, char **words)
{
    if (count < 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    open_files(words[1]);
    read_files();
    map_memory();
    map_much();
    do_long();
    ask_others();
    ask_for_more(words[1]);
    close(1);
    return write(1, "x", 1) == -1 && errno == EBADF ? 0 : 1;
}
