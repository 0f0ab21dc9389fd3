/* Files that can be written, and folders: what calls answer. The judge is Linux, in a folder of its own. Argument: where
 * that is, or the name of one in /tmp. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char base[200], names[8][300];

/* A path below the base; eight of them can be used at a time. */
static const char *at(const char *name)
{
    static unsigned last;
    char *path = names[last++ % 8];
    snprintf(path, sizeof names[0], "%s/%s", base, name);
    return path;
}

static void show(const char *what, long result)
{
    printf("%s: %ld %s\n", what, result < 0 ? -1 : result, result < 0 ? strerror(errno) : "");
    errno = 0;
}

static void show_status(const char *name)
{
    struct stat status;
    if (stat(at(name), &status))
        show(name, -1);
    else
        printf("%s: %s, %lld bytes, %lu links\n", name, S_ISDIR(status.st_mode) ? "folder" : "file",
               S_ISDIR(status.st_mode) ? 0 : (long long)status.st_size, (unsigned long)status.st_nlink);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *found[64];
    int count = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        show("opendir", -1);
        return;
    }
    for (int round = 0; round < 2; round++, rewinddir(folder)) {
        for (struct dirent *entry; count < 64 && (entry = readdir(folder));)
            if (round) {
                found[count] = malloc(strlen(entry->d_name) + 3);
                sprintf(found[count++], "%s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
            }
    }
    closedir(folder);
    qsort(found, (size_t)count, sizeof *found, by_name);
    for (int i = 0; i < count; i++)
        printf(" %s", found[i]);
    putchar('\n');
}

static void files(void)
{
    char text[100] = "";
    int file = open(at("a"), O_RDWR | O_CREAT | O_EXCL, 0666);
    show("made", file >= 3);
    show("again", open(at("a"), O_RDWR | O_CREAT | O_EXCL, 0666));
    show("write", write(file, "hello world", 11));
    show("seek", lseek(file, -5, SEEK_END));
    show("read", read(file, text, sizeof text));
    puts(text);
    show("pwrite", pwrite(file, "W", 1, 6));
    show("pread", pread(file, text, 5, 6));
    puts(text);
    show("behind", pread(file, text, 5, 100));
    show("hole", pwrite(file, "end", 3, 100000));
    show("zeros", pread(file, text, 3, 50000));
    printf("%d %d %d\n", text[0], text[1], text[2]);
    show("size", lseek(file, 0, SEEK_END));
    show("shrink", ftruncate(file, 5));
    show("grow", ftruncate(file, 20));
    show("all", pread(file, text, 100, 0));
    printf("%.5s %d %d\n", text, text[5], text[19]);
    show("flags", fcntl(file, F_GETFL) & O_ACCMODE);
    show("lock", fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}));
    show("sync", fsync(file));
    show("remove", unlink(at("a")));
    show_status("a");
    show("still", pread(file, text, 5, 0));
    show("close", close(file));
    show("closed", write(file, "x", 1));
    int reader = open(at("b"), O_RDONLY | O_CREAT, 0600), writer = open(at("b"), O_WRONLY | O_APPEND);
    show("read only", write(reader, "x", 1));
    show("write only", read(writer, text, 1));
    show("append", write(writer, "one", 3));
    show("append", write(writer, "two", 3));
    show("read", read(reader, text, 10));
    printf("%.6s\n", text);
    int cut = open(at("b"), O_WRONLY | O_TRUNC);
    show("cut", read(reader, text, 10));
    show("seek far", lseek(cut, 10, SEEK_SET));
    show("write", write(cut, "x", 1));
    show_status("b");
    close(cut), close(reader), close(writer);
    show("truncate", truncate(at("b"), 3));
    show_status("b");
    show("access", access(at("b"), R_OK | W_OK));
}

static void folders(void)
{
    char real[PATH_MAX];
    show("mkdir", mkdir(at("d"), 0777));
    show("again", mkdir(at("d"), 0777));
    show("no parent", mkdir(at("x/y"), 0777));
    show("in it", mkdir(at("d/e"), 0777));
    show("make", close(open(at("d/f"), O_CREAT | O_WRONLY, 0666)));
    show("a file is no folder", open(at("d/f/g"), O_CREAT | O_WRONLY, 0666));
    show("slash behind a file", open(at("d/f/"), O_RDONLY));
    show("write a folder", open(at("d"), O_WRONLY));
    show("read a folder", read(open(at("d"), O_RDONLY), real, 1));
    show("not a folder", open(at("d/f"), O_RDONLY | O_DIRECTORY));
    show_status("d");
    list(at("d"));
    show("not empty", rmdir(at("d")));
    show("unlink a folder", unlink(at("d/e")) < 0);
    show("rmdir a file", rmdir(at("d/f")));
    show("rename", rename(at("d/f"), at("d/g")));
    show("over a folder", rename(at("d/g"), at("d/e")));
    show("a folder over a file", rename(at("d/e"), at("d/g")));
    show("into itself", rename(at("d"), at("d/e/d")));
    show("what is not there", rename(at("nothing"), at("d/h")));
    show("move", rename(at("d/g"), at("d/e/g")));
    list(at("d/e"));
    int folder = open(at("d"), O_RDONLY | O_DIRECTORY), file = openat(folder, "e/g", O_RDWR);
    show("openat", file >= 3);
    show("fstatat", faccessat(folder, "e/none", F_OK, 0));
    show("unlinkat", unlinkat(folder, "e/g", 0));
    show("and again", unlinkat(folder, "e/g", 0));
    close(file), close(folder);
    printf("%s\n", realpath(at("d/./e/../e"), real) ? real + strlen(base) : strerror(errno));
    show("rmdir", rmdir(at("d/e")));
    show("rmdir", rmdir(at("d")));
    list(base);
}

static void library(void)
{
    char line[100];
    FILE *file = tmpfile();
    show("tmpfile", file != NULL);
    fprintf(file, "%d lines\n", 12);
    rewind(file);
    printf("%s", fgets(line, sizeof line, file));
    fclose(file);
    strcpy(line, at("made-XXXXXX"));
    int number = mkstemp(line);
    show("mkstemp", number >= 0 && !strstr(line, "XXXXXX"));
    close(number);
    show("remove", remove(line));
    file = fopen(at("text"), "w+");
    for (int i = 0; i < 20000; i++)
        fprintf(file, "line %d\n", i);
    show("size", ftell(file));
    fseek(file, 123456, SEEK_SET);
    printf("%s", fgets(line, sizeof line, file));
    file = freopen(at("text"), "a", file);
    fputs("last\n", file);
    fclose(file);
    show_status("text");
    struct rusage usage;
    show("getrusage", getrusage(RUSAGE_SELF, &usage));
    show("umask", umask(022));
    show("pages", sysconf(_SC_PAGESIZE));
}

static void mappings(void)
{
    int file = open(at("map"), O_RDWR | O_CREAT, 0666);
    show("size", ftruncate(file, 100000));
    pwrite(file, "first", 5, 0);
    char *shared = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (shared == MAP_FAILED || private == MAP_FAILED) {
        show("mmap", -1);
        return;
    }
    char text[10] = "";
    printf("%s %s\n", shared, private);
    strcpy(private, "mine");
    strcpy(shared + 70000, "through");
    pread(file, text, 7, 70000);
    printf("%s %s\n", text, shared);
    pwrite(file, "back", 5, 90000);
    printf("%s\n", shared + 90000);
    char *second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 86016);
    printf("%s\n", second == MAP_FAILED ? strerror(errno) : second + 90000 - 86016);
    show("sync", msync(shared, 100000, MS_SYNC));
    show("unmap", munmap(shared, 100000));
    int reader = open(at("map"), O_RDONLY);
    show("shared for writing", mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED ? -1 : 0);
    show("private for writing", mmap(NULL, 4096, PROT_WRITE, MAP_PRIVATE, reader, 0) == MAP_FAILED ? -1 : 0);
    show("odd offset", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, reader, 100) == MAP_FAILED ? -1 : 0);
    show("no file", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED ? -1 : 0);
    close(file), close(reader);
    show("kept", strcmp(private, "mine"));
}

/* The working folder, below the base. */
static void show_working(const char *what)
{
    char path[400];
    const char *got = getcwd(path, sizeof path);
    const size_t length = strlen(base);
    printf("%s: %s\n", what, !got ? "none" : strncmp(path, base, length) ? path : path + length);
}

static void working(void)
{
    char small[4];
    struct stat status;
    chdir("/"), show_working("root"), show("chdir", chdir(base));
    show_working("now"), show("makes", mkdir("folder", 0777));
    show("goes there", chdir("folder")), show_working("now");
    int file = open("file", O_CREAT | O_RDWR, 0666);
    show("writes", write(file, "0123456789", 10)), show("stat", stat("../folder/file", &status)), show("bytes", status.st_size);
    show("stat by a whole path", stat(at("folder/file"), &status));
    show("to a file", chdir("file")), show("to nothing", chdir("none")), show("to less", chdir(""));
    show("too small", !getcwd(small, sizeof small) && errno == ERANGE);
    show("renames", rename("file", "../moved")), show("here no more", access("file", F_OK));
    show("goes up", chdir("..")), show_working("now"), show("is here", access("moved", R_OK | W_OK));
    int folder = open("folder", O_RDONLY | O_DIRECTORY);
    show("goes by number", fchdir(folder)), show_working("now");
    show("by a file's number", fchdir(file)), show("by no number", fchdir(60));
    list(".");
    show("of the root", chdir("/")), show("relative", access("tmp", F_OK)), show("nothing", access("folder", F_OK));
    show("removes", unlinkat(folder, "../moved", 0)), show("removes", rmdir(at("folder")));
    close(folder), close(file);
    umask(027);
    show("mask", umask(022));
}

static void copies(void)
{
    char text[64] = {0};
    off_t from = 2, to = 3;
    int one = open(at("one"), O_CREAT | O_RDWR, 0666), two = open(at("two"), O_CREAT | O_RDWR, 0666);
    struct iovec parts[] = {{"abc", 3}, {"", 0}, {"defgh", 5}}, into[] = {{text, 2}, {text + 2, 30}};
    show("pwritev", pwritev(one, parts, 3, 1)), show("position", lseek(one, 0, SEEK_CUR));
    show("preadv", preadv(one, into, 2, 1)), show(text, 0);
    show("preadv behind", preadv(one, into, 2, 100)), show("preadv before", preadv(one, into, 2, -1));
    show("sendfile", sendfile(two, one, &from, 4)), show("from", from), show("sendfile", sendfile(two, one, NULL, 100));
    show("position", lseek(one, 0, SEEK_CUR)), show("size", lseek(two, 0, SEEK_END));
    from = 1;
    show("copy_file_range", copy_file_range(one, &from, two, &to, 3, 0)), show("from", from), show("to", to);
    memset(text, 0, sizeof text);
    show("reads", pread(two, text, 50, 0));
    for (unsigned i = 0; i < 20; i++)
        putchar(text[i] ? text[i] : '.');
    puts("");
    show("of none", sendfile(two, 60, NULL, 1)), show("of nothing", sendfile(two, one, NULL, 0));
    show("fallocate", posix_fallocate(two, 0, 100)), show("size", lseek(two, 0, SEEK_END));
    show("no less", posix_fallocate(two, 0, 10)), show("size", lseek(two, 0, SEEK_END)), show("wrong", posix_fallocate(two, -1, 1));
    close(one), close(two), unlink(at("one")), unlink(at("two"));
}

int main(int count, char **arguments)
{
    snprintf(base, sizeof base, "%s%s/own", count > 2 ? "" : "/tmp", count > 2 ? arguments[1] : "");
    if (count == 2)
        snprintf(base, sizeof base, "/tmp/%s", arguments[1]);
    show("base", mkdir(base, 0777));
    files();
    folders();
    library();
    mappings();
    working();
    copies();
    unlink(at("b")), unlink(at("text")), unlink(at("map"));
    list(base);
    show("gone", rmdir(base));
    return 0;
}
