/* Streams and descriptors where libraries were wrong once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "subject.h"

static int temporary(char *name)
{
    strcpy(name, "/tmp/subject-XXXXXX");
    return mkstemp(name);
}

static void position_of_appended(void)
{
    char name[32];
    const int number = temporary(name);
    HOLDS(number >= 0);
    HOLDS(write(number, "abcd", 4) == 4);
    close(number);
    FILE *stream = fopen(name, "a");
    HOLDS(stream != 0);
    if (!stream)
        return;
    HOLDS(fwrite("efg", 1, 3, stream) == 3);
    HOLDS(ftello(stream) == 7);
    HOLDS(!fseek(stream, 0, SEEK_SET) && ftell(stream) == 0);
    HOLDS(fputc('h', stream) == 'h' && ftello(stream) == 8);
    HOLDS(!fclose(stream));
    stream = fdopen(open(name, O_WRONLY | O_APPEND), "a");
    HOLDS(fputs("ijk", stream) >= 0 && ftell(stream) == 11);
    HOLDS(!fclose(stream));
    struct stat status;
    HOLDS(!stat(name, &status) && status.st_size == 11);
    HOLDS(!unlink(name));
}

static void far_positions(void)
{
    const off_t far[] = {0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7ffffffff};
    FILE *stream = tmpfile();
    HOLDS(stream != 0);
    if (!stream)
        return;
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        HOLDS(lseek(fileno(stream), far[i], SEEK_SET) == far[i]);
        HOLDS(lseek(fileno(stream), 0, SEEK_CUR) == far[i]);
        HOLDS(!fseeko(stream, far[i], SEEK_SET) && ftello(stream) == far[i]);
    }
    HOLDS(lseek(fileno(stream), 0, SEEK_END) == 0);
    HOLDS(lseek(fileno(stream), 1, SEEK_END) == 1);
    errno = 0;
    HOLDS(lseek(fileno(stream), -1, SEEK_SET) == -1 && errno == EINVAL);
    HOLDS(lseek(fileno(stream), 0, 99) == -1 && errno == EINVAL);
    HOLDS(fgetc(stream) == EOF && feof(stream));
    fclose(stream);
}

static void errors_cleared(void)
{
    char name[32];
    const int number = temporary(name);
    FILE *stream = fdopen(number, "r");
    HOLDS(stream != 0);
    if (!stream)
        return;
    HOLDS(fputc('x', stream) == EOF && ferror(stream));
    HOLDS(fseek(stream, 0, SEEK_SET) == 0 && ferror(stream));
    rewind(stream);
    HOLDS(!ferror(stream));
    HOLDS(fgetc(stream) == EOF && feof(stream) && !ferror(stream));
    rewind(stream);
    HOLDS(!feof(stream));
    HOLDS(fputc('x', stream) == EOF && ferror(stream));
    clearerr(stream);
    HOLDS(!ferror(stream));
    fclose(stream);
    unlink(name);
}

static void wide_from_pipe(void)
{
    int ends[2];
    HOLDS(!pipe(ends));
    FILE *stream = fdopen(ends[0], "r");
    if (!stream)
        return;
    HOLDS(write(ends[1], "x\nab", 4) == 4);
    HOLDS(fgetwc(stream) == L'x');
    HOLDS(fgetwc(stream) == L'\n');
    HOLDS(fgetwc(stream) == L'a');
    HOLDS(ungetwc(L'q', stream) == L'q' && fgetwc(stream) == L'q');
    close(ends[1]);
    HOLDS(fgetwc(stream) == L'b');
    HOLDS(fgetwc(stream) == WEOF && feof(stream));
    fclose(stream);
}

static void *try_lock(void *stream)
{
    const long found = ftrylockfile(stream);
    if (!found)
        funlockfile(stream);
    return (void *)found;
}

static void locked_streams(void)
{
    pthread_t thread;
    void *found = 0;
    FILE *streams[5];
    for (int i = 0; i < 5; i++)
        streams[i] = fmemopen((char[]){"0123456789"}, 1, "r");
    for (int i = 0; i < 5; i++)
        flockfile(streams[i]);
    HOLDS(!ftrylockfile(streams[2]));
    funlockfile(streams[2]);
    HOLDS(!pthread_create(&thread, 0, try_lock, streams[2]));
    HOLDS(!pthread_join(thread, &found) && found);
    for (int i = 0; i < 5; i++)
        funlockfile(streams[i * 2 % 5]);
    pthread_create(&thread, 0, try_lock, streams[2]);
    HOLDS(!pthread_join(thread, &found) && !found);
    for (int i = 0; i < 5; i++)
        HOLDS(!fclose(streams[i]));
}

static void users_read(void)
{
    struct passwd entry, *found = &entry;
    char text[1];
    errno = 0;
    const int error = getpwnam_r("root", &entry, text, sizeof text, &found);
    HOLDS(error == ERANGE && !found);
    char enough[1024];
    HOLDS(!getpwnam_r("root", &entry, enough, sizeof enough, &found) && found == &entry && !entry.pw_uid && !strcmp(entry.pw_name, "root"));
    HOLDS(!getpwuid_r(0, &entry, enough, sizeof enough, &found) && found && *entry.pw_dir == '/');
    struct group group, *known = 0;
    HOLDS(!getgrgid_r(0, &group, enough, sizeof enough, &known) && known && !strcmp(group.gr_name, "root"));
    HOLDS(getpwnam("root") != 0 && getgrnam("root") != 0 && getgrnam("no-such-group") == 0);
}

static void users_missing(void)
{
    struct passwd entry, *found = &entry;
    char text[1024];
    HOLDS(getpwnam_r("no-such-user", &entry, text, sizeof text, &found) == 0 && !found);
    found = &entry;
    HOLDS(getpwuid_r(54321, &entry, text, sizeof text, &found) == 0 && !found);
    errno = 0;
    HOLDS(!getpwnam("no-such-user"));
    HOLDS(!getpwnam_r("", &entry, text, sizeof text, &found) && !found);
}

static void no_folder(void)
{
    char kept[] = "/dev/null/name-XXXXXX", none[] = "/none/name-XXXXXX", bad[] = "/tmp/name-XXXXX", good[] = "/tmp/name-XXXXXX";
    struct stat status;
    errno = 0;
    HOLDS(!mkdtemp(kept) && errno == ENOTDIR);
    errno = 0;
    HOLDS(!mkdtemp(none) && errno == ENOENT);
    errno = 0;
    HOLDS(!mkdtemp(bad) && errno == EINVAL);
    HOLDS(mkdtemp(good) == good && !stat(good, &status) && S_ISDIR(status.st_mode) && strcmp(good + 10, "XXXXXX"));
    HOLDS(!rmdir(good));
}

static void system_of_files(void)
{
    struct statvfs found;
    HOLDS(!statvfs("/", &found));
    HOLDS(found.f_bsize > 0 && found.f_namemax >= 14 && found.f_frsize > 0);
    HOLDS(found.f_bfree <= found.f_blocks && found.f_bavail <= found.f_bfree && found.f_ffree <= found.f_files);
    HOLDS(!statvfs("/tmp", &found) && found.f_namemax >= 14);
    errno = 0;
    HOLDS(statvfs("/none/such", &found) == -1 && errno == ENOENT);
    HOLDS(fstatvfs(-1, &found) == -1 && errno == EBADF);
}

static void times_of_files(void)
{
    struct stat status;
    FILE *stream = tmpfile();
    HOLDS(stream != 0);
    if (!stream)
        return;
    const int number = fileno(stream);
    HOLDS(!futimens(number, (struct timespec[2]){{0, 0}, {0, 0}}));
    HOLDS(!fstat(number, &status) && !status.st_atim.tv_sec && !status.st_mtim.tv_sec && !status.st_mtim.tv_nsec);
    HOLDS(!futimens(number, (struct timespec[2]){{1, 0}, {0, UTIME_OMIT}}));
    HOLDS(!fstat(number, &status) && status.st_atim.tv_sec == 1 && !status.st_mtim.tv_sec);
    HOLDS(!futimens(number, (struct timespec[2]){{0, UTIME_OMIT}, {2, 500}}));
    HOLDS(!fstat(number, &status) && status.st_atim.tv_sec == 1 && status.st_mtim.tv_sec == 2 && status.st_mtim.tv_nsec == 500);
    const time_t before = time(0);
    HOLDS(!futimens(number, (struct timespec[2]){{0, UTIME_NOW}, {0, UTIME_OMIT}}));
    HOLDS(!fstat(number, &status) && status.st_atim.tv_sec >= before && status.st_mtim.tv_sec == 2);
    HOLDS(!futimens(number, 0) && !fstat(number, &status) && status.st_mtim.tv_sec >= before);
    HOLDS(!futimens(number, (struct timespec[2]){{1ll << 32, 0}, {1ll << 32, 0}}));
    HOLDS(!fstat(number, &status) && status.st_atim.tv_sec == 1ll << 32 && status.st_mtim.tv_sec == 1ll << 32);
    errno = 0;
    HOLDS(futimens(number, (struct timespec[2]){{0, 1000000000}, {0, 0}}) == -1 && errno == EINVAL);
    errno = 0;
    HOLDS(utimensat(AT_FDCWD, "/dev/null/none", 0, 0) == -1 && errno == ENOTDIR);
    HOLDS(utimensat(AT_FDCWD, "/none", 0, 0) == -1 && errno == ENOENT);
    HOLDS(futimens(-1, 0) == -1 && errno == EBADF);
    HOLDS(!futimes(number, (struct timeval[2]){{5, 6}, {7, 8}}) && !fstat(number, &status) && status.st_mtim.tv_nsec == 8000);
    fclose(stream);
}

static void other_names(void)
{
    char name[32], other[40], third[40], text[8] = "";
    struct stat status, same;
    const int number = temporary(name);
    snprintf(other, sizeof other, "%s-other", name);
    snprintf(third, sizeof third, "%s-third", name);
    HOLDS(number >= 0 && write(number, "hello", 5) == 5);
    HOLDS(!link(name, other));
    HOLDS(!stat(name, &status) && !stat(other, &same) && status.st_ino == same.st_ino && same.st_nlink == 2 && same.st_size == 5);
    errno = 0;
    HOLDS(link(name, other) == -1 && errno == EEXIST);
    HOLDS(link("/tmp", third) == -1 && (errno == EPERM || errno == EXDEV));
    errno = 0;
    HOLDS(link("/tmp/none-such", third) == -1 && errno == ENOENT);
    HOLDS(!link(other, third) && !stat(third, &same) && same.st_nlink == 3);
    HOLDS(!unlink(name) && stat(name, &status) == -1 && !stat(other, &same) && same.st_nlink == 2);
    const int again = open(other, O_RDWR);
    HOLDS(again >= 0 && read(again, text, 5) == 5 && !strcmp(text, "hello"));
    HOLDS(!rename(other, third) && !stat(other, &status)); /* of one file: nothing happens */
    HOLDS(!rename(other, name) && stat(other, &status) == -1 && !stat(name, &same) && same.st_nlink == 2);
    HOLDS(!unlink(third) && !unlink(name) && !fstat(number, &same) && same.st_nlink == 0 && same.st_size == 5);
    HOLDS(pwrite(again, "J", 1, 0) == 1 && pread(number, text, 5, 0) == 5 && !strcmp(text, "Jello"));
    close(again), close(number);
}

static void devices(void)
{
    struct stat status;
    char text[16] = "????????";
    const time_t now = time(0);
    HOLDS(!stat(".", &status) && S_ISDIR(status.st_mode) && status.st_nlink > 0 && status.st_mtime <= now && status.st_ctime <= now);
    HOLDS(!stat("/dev/null", &status) && S_ISCHR(status.st_mode));
    HOLDS(!stat("/dev/zero", &status) && S_ISCHR(status.st_mode));
    HOLDS(!stat("/dev", &status) && S_ISDIR(status.st_mode));
    const int none = open("/dev/null", O_RDWR), zeros = open("/dev/zero", O_RDONLY);
    HOLDS(none >= 0 && zeros >= 0);
    HOLDS(read(none, text, 8) == 0 && write(none, text, 8) == 8 && text[0] == '?');
    HOLDS(read(zeros, text, 8) == 8 && text[0] == 0 && text[7] == 0);
    HOLDS(!fstat(none, &status) && S_ISCHR(status.st_mode) && !isatty(none));
    HOLDS(lseek(none, 5, SEEK_SET) >= 0);
    HOLDS(fcntl(none, F_GETFL) % 4 == O_RDWR);
    const int copy = dup(none);
    HOLDS(copy > none && write(copy, "x", 1) == 1);
    char *area = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zeros, 0);
    HOLDS(area != MAP_FAILED && area[4095] == 0 && (area[1] = 2));
    HOLDS(area == MAP_FAILED || !munmap(area, 4096));
    HOLDS(write(zeros, "x", 1) == -1 && errno == EBADF);
    close(none), close(copy), close(zeros);
    FILE *stream = tmpfile();
    HOLDS(stream && !fstat(fileno(stream), &status) && S_ISREG(status.st_mode) && status.st_nlink <= 1 && status.st_uid == geteuid() &&
          status.st_gid == getegid() && status.st_size == 0 && status.st_atime <= time(0));
    if (stream)
        fclose(stream);
    stream = fopen("/dev/null", "r");
    HOLDS(stream && fgetc(stream) == EOF && feof(stream));
    if (stream)
        fclose(stream);
    HOLDS(open("/dev/null/none", O_RDONLY) == -1 && errno == ENOTDIR);
}

static void signs_of_calls(void)
{
    char text[8] = "1234567";
    const int zeros = open("/dev/zero", O_RDONLY);
    HOLDS(zeros >= 0);
    HOLDS(syscall(SYS_read, zeros, text, (long)4) == 4 && !text[3] && text[4] == '5');
    errno = 0;
    errno = 0;
    HOLDS(syscall(SYS_close, -1) == -1 && errno == EBADF);
    HOLDS(syscall(SYS_getpid) == getpid());
    errno = 0;
    HOLDS(syscall(100000, 1, 2, 3, 4, 5, 6) == -1 && errno == ENOSYS);
    close(zeros);
    FILE *stream = tmpfile();
    HOLDS(stream && syscall(SYS_lseek, fileno(stream), 0x987654321, SEEK_SET) == 0x987654321);
    if (stream)
        fclose(stream);
}

const struct subject stream_subjects[] = {
    {"ftello-unflushed-append", position_of_appended}, {"lseek-large", far_positions}, {"rewind-clear-error", errors_cleared},
    {"fgetwc-buffering", wide_from_pipe}, {"flockfile-list", locked_streams}, {"getpwnam_r-crash", users_read},
    {"getpwnam_r-errno", users_missing}, {"mkdtemp-failure", no_folder}, {"statvfs", system_of_files}, {"utime", times_of_files},
    {"link", other_names}, {"devices", devices}, {"syscall_sign_extend", signs_of_calls}, {"syscall-sign-extend", signs_of_calls}, {0, 0}};
