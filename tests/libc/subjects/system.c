#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "subject.h"

char *crypt(const char *key, const char *salt); /* where the header is, libraries differ */

static void addresses(void)
{
    const char *const texts[] = {"::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:", ":1", "1:::2", "12345::", "g::"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unsigned char bytes[16];
        char back[INET6_ADDRSTRLEN] = "-";
        int good = inet_pton(AF_INET6, texts[i], bytes);
        if (good == 1)
            inet_ntop(AF_INET6, bytes, back, sizeof back);
        note("%d%s ", good, back);
    }
    struct in_addr four;
    note("%d ", inet_pton(AF_INET, "1.2.3", &four));
    note("%d ", inet_pton(AF_INET, "1.2.3.256", &four));
    note("%d ", inet_aton("0x7f.1", &four));
    note("%s", inet_ntoa(four));
}

#ifndef WITHOUT_CRYPT /* Debian's musl has none */
static void encrypted(void)
{
    const char *const salts[] = {"$1$salt$", "$5$saltstring", "$6$saltstring", "ab", "$2b$04$abcdefghijklmnopqrstuu", "$5$rounds=1400$anotherlongsaltstring"};
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
        char *made = crypt("Hello world!", salts[i]);
        note("%s ", made ? made : "-");
    }
}
#endif

static void mounts(void)
{
    char text[] = "# comment\n/dev/a /mnt ext4 rw,noatime 0 1\n";
    FILE *stream = fmemopen(text, sizeof text - 1, "r");
    struct mntent *entry = getmntent(stream);
    note("%s %s %s %d ", entry ? entry->mnt_fsname : "-", entry ? entry->mnt_dir : "-", entry ? entry->mnt_type : "-",
         entry ? entry->mnt_passno : -1);
    note("%d ", entry && hasmntopt(entry, "noatime") != 0);
    note("%d", getmntent(stream) == 0);
    fclose(stream);
}

static void limits(void)
{
    struct rlimit limit;
    errno = 0;
    note("%d ", getrlimit(RLIMIT_NOFILE, &limit));
    note("%d ", limit.rlim_cur > 8);
    note("%d ", getrlimit(12345, &limit));
    note("%d ", sysconf(_SC_PAGESIZE) == 4096);
    note("%d", sysconf(_SC_OPEN_MAX) > 8);
}

static void mapped(void)
{
    char *area = mmap(0, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    note("%d ", area != MAP_FAILED);
    area[5000] = 5;
    note("%d ", area[0] + area[5000]);
    note("%d ", mprotect(area + 4096, 4096, PROT_READ));
    note("%d ", munmap(area, 12288));
    errno = 0;
    note("%d ", mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    note("%d", errno == EINVAL);
}

static void descriptors(void)
{
    char name[] = "/tmp/subject-XXXXXX", text[8] = "";
    int number = mkstemp(name);
    note("%d ", number >= 0);
    if (number < 0)
        return;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    note("%d ", (int)write(number, "hello", 5));
    int other = dup(number);
    note("%d ", (int)lseek(other, 1, SEEK_SET));
    note("%d ", (int)read(number, text, 3));
    note("%s ", text);
    note("%d ", fcntl(number, F_SETLK, &lock));
    note("%d ", ftruncate(number, 2));
    struct stat status;
    note("%d ", fstat(number, &status));
    note("%d ", (int)status.st_size);
    note("%d ", S_ISREG(status.st_mode));
    note("%d ", (int)pread(number, text, 8, 1));
    note("%d ", close(number) | close(other));
    note("%d", unlink(name));
}

static void statuses(void)
{
    struct stat status;
    struct statvfs system;
    note("%d ", stat("/", &status));
    note("%d ", S_ISDIR(status.st_mode));
    errno = 0;
    note("%d ", stat("/none/such", &status));
    note("%d ", errno == ENOENT);
    note("%d", statvfs("/", &system));
}

static volatile sig_atomic_t caught;
static void catch(int number)
{
    caught = number;
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = catch}, old;
    sigset_t set, pending;
    caught = 0;
    note("%d ", sigaction(SIGUSR1, &action, &old));
    note("%d ", old.sa_handler == SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    note("%d ", raise(SIGUSR1));
    note("%d ", (int)caught);
    sigpending(&pending);
    note("%d ", sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, 0);
    note("%d", caught == SIGUSR1);
}

static void pipes(void)
{
    int ends[2];
    char text[4] = "";
    int status = pipe(ends);
    note("%d ", status);
    if (status)
        return;
    note("%d ", (int)write(ends[1], "abc", 3));
    note("%d ", (int)read(ends[0], text, 3));
    note("%s ", text);
    struct pollfd wanted = {ends[0], POLLIN, 0};
    note("%d ", poll(&wanted, 1, 0));
    close(ends[1]);
    note("%d", (int)read(ends[0], text, 3));
    close(ends[0]);
}

static void sockets(void)
{
    int ends[2];
    char text[4] = "";
    int status = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    note("%d ", status);
    if (status)
        return;
    note("%d ", (int)send(ends[0], "abc", 3, 0));
    note("%d ", (int)recv(ends[1], text, 3, 0));
    note("%s", text);
    close(ends[0]);
    close(ends[1]);
}

static void users(void)
{
    struct passwd entry, *found = &entry;
    char text[200];
    note("%d ", getpwnam_r("no-such-user", &entry, text, sizeof text, &found));
    note("%d", found == 0);
}

static void names(void)
{
    unsigned char answer[] = {3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0xc0, 4};
    char name[80] = "";
    note("%d ", dn_expand(answer, answer + sizeof answer, answer, name, sizeof name));
    note("%s ", name);
    note("%d ", dn_expand(answer, answer + sizeof answer, answer + 13, name, sizeof name));
    note("%s ", name);
    note("%d", dn_expand(answer, answer + 5, answer, name, sizeof name));
}

const struct subject system_subjects[] = {
#ifndef WITHOUT_CRYPT
    {"crypt", encrypted},
#endif
    {"inet_pton", addresses}, {"mntent", mounts}, {"getrlimit", limits}, {"mmap", mapped},
    {"fcntl", descriptors}, {"stat", statuses}, {"sigpending", signals}, {"pipe", pipes}, {"socket", sockets},
    {"getpwnam_r", users}, {"dn_expand", names}, {0, 0}};
