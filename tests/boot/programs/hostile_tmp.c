/* Takes of the service tmp what it can get, and tries what it must not get. Run as two services: what one took is not
 * missing for the other. Argument: the service's own name, and whether to end with all of it open. */
#include <errno.h>
#include <fcntl.h>
#include <protocol/call.h>
#include <protocol/names.h>
#include <protocol/tmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <system/call.h>
#include <system/start.h>
#include <unistd.h>

static handle_t tmp;

static void require(int holds, const char *what)
{
    if (holds)
        return;
    printf("failed: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static int64_t ask(handle_t to, uint64_t operation, const char *text, size_t size, uint64_t word, handle_t *handle)
{
    static char buffer[4096];
    struct message request = {.word = {operation, word}, .data = (void *)(uintptr_t)text, .size = size};
    struct message reply = {.data = buffer, .size = sizeof buffer, .handle_count = handle ? 1 : 0};
    int64_t status = ipc_call(to, &request, &reply);
    if (handle)
        *handle = reply.handle_count ? reply.handle[0] : 0;
    return status;
}

static handle_t open_raw(const char *path, unsigned flags)
{
    handle_t file;
    require(ask(tmp, TMP_OPEN, path, strlen(path), flags, &file) == STATUS_OK && file, path);
    return file;
}

/* Memory that was written to before. */
static int64_t bring(handle_t file, uint64_t size, unsigned rights)
{
    int64_t memory = sys_memory_create(size), less = sys_handle_duplicate((handle_t)memory, rights, 0);
    const handle_t self = sys_start_handle(START_HANDLE_SELF);
    int64_t here = sys_process_map(self, (handle_t)memory, 0, size, 0, PROT_READ_WRITE);
    require(here > 0, "memory to bring");
    memset((void *)(uintptr_t)here, 'x', size);
    sys_process_unmap(self, (uint64_t)here, size);
    struct message request = {.word = {TMP_EXTEND, 0}, .handle = {(handle_t)less}, .handle_count = 1}, reply = {0};
    int64_t status = ipc_call(file, &request, &reply);
    sys_handle_close((handle_t)memory);
    return status;
}

static int is_zero(handle_t file, uint64_t size)
{
    char buffer[100];
    memset(buffer, 'x', sizeof buffer);
    struct message request = {.word = {TMP_READ, 0, size}}, reply = {.data = buffer, .size = sizeof buffer};
    if (ipc_call(file, &request, &reply) != STATUS_OK || reply.size != size)
        return 0;
    for (uint64_t i = 0; i < size; i++)
        if (buffer[i])
            return 0;
    return 1;
}

static void odd_requests(void)
{
    static const char *const paths[] = {"..", ".", "a/../b", "/a", "a/", "a//b", "../etc/motd"};
    static char longest[TMP_PATH_MAX * 8];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (uint64_t operation = TMP_OPEN; operation <= TMP_LIST; operation++)
            require(ask(tmp, operation, paths[i], strlen(paths[i]), TMP_FOR_WRITING | TMP_FOR_CREATING, NULL) < 0, paths[i]);
    memset(longest, 'x', sizeof longest);
    require(ask(tmp, TMP_FOLDER, longest, sizeof longest, 0, NULL) < 0, "a long name");
    for (size_t i = 0; i < sizeof longest; i += 2)
        longest[i] = '/';
    require(ask(tmp, TMP_FOLDER, longest + 1, sizeof longest - 1, 0, NULL) < 0, "a deep path");
    require(ask(tmp, TMP_RENAME, "a", 1, 0, NULL) < 0, "one path for two");
    require(ask(tmp, TMP_LINK, "a", 1, 0, NULL) < 0, "one path for a link");
    require(ask(tmp, TMP_REMOVE, "", 0, 1, NULL) < 0, "the root");
    for (uint64_t operation = 0; operation < 40; operation++)
        if (operation < TMP_OPEN || operation > TMP_LINK)
            require(ask(tmp, operation, "x", 1, ~0ull, NULL) < 0, "an unknown operation");
}

static int64_t lock(handle_t file, uint64_t kind, uint64_t start, uint64_t last, uint64_t flags, handle_t handle)
{
    struct message request = {.word = {TMP_LOCK, kind, start, last, flags}, .handle = {handle}, .handle_count = handle != 0}, reply = {0};
    return ipc_call(file, &request, &reply);
}

static void odd_locks(handle_t file)
{
    unsigned locks = 0;
    require(lock(file, 3, 0, 1, 0, 0) < 0 && lock(file, TMP_LOCK_SHARED, 2, 1, 0, 0) < 0, "odd locks");
    while (locks < 1000 && lock(file, TMP_LOCK_SHARED, 2 * locks, 2 * locks, 0, 0) == STATUS_OK)
        locks++;
    require(locks > 10 && locks < 100, "locks are bounded");
    require(lock(file, TMP_UNLOCK, 10, 10, 0, 0) == STATUS_OK && lock(file, TMP_UNLOCK, 0, ~0ull, 0, 0) == STATUS_OK, "unlocks");
    require(lock(file, TMP_LOCK_EXCLUSIVE, 0, ~0ull, TMP_LOCK_WHOLE, 0) == STATUS_OK, "locks it as a whole");
    require(lock(file, TMP_UNLOCK, 0, ~0ull, TMP_LOCK_WHOLE, (handle_t)sys_endpoint_create()) == STATUS_OK, "with a handle");
}

static void odd_files(const char *name)
{
    handle_t file = open_raw(name, TMP_FOR_WRITING | TMP_FOR_CREATING), reader = open_raw(name, 0), none;
    require(ask(file, TMP_WRITE, "x", 1, 1ull << 62, NULL) < 0, "a far offset");
    require(ask(file, TMP_WRITE, "x", 1, TMP_SIZE_MAX, NULL) < 0, "behind the largest");
    require(ask(file, TMP_RESIZE, NULL, 0, ~0ull, NULL) < 0, "a large size");
    require(ask(file, TMP_EXTEND, NULL, 0, 0, NULL) < 0, "no memory");
    require(bring(file, 4096, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER) < 0, "too little memory");
    require(bring(file, 16384, RIGHT_READ | RIGHT_TRANSFER) < 0, "memory that cannot be written");
    require(bring(reader, 16384, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER) < 0, "memory by a reader");
    require(ask(reader, TMP_WRITE, "x", 1, 0, NULL) < 0 && ask(reader, TMP_RESIZE, NULL, 0, 0, NULL) < 0, "a reader writes");
    require(bring(file, 16384, RIGHT_READ | RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER) == STATUS_OK, "memory");
    require(bring(file, 16384, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER) < 0, "memory twice");
    require(ask(file, TMP_RESIZE, NULL, 0, 100, NULL) == STATUS_OK && is_zero(reader, 100), "what was not written is zero");
    require(ask(reader, TMP_MAP, NULL, 0, 0, &none) == STATUS_OK && none, "memory to read");
    require(sys_process_map(sys_start_handle(START_HANDLE_SELF), none, 0, 4096, 0, PROT_READ_WRITE) == STATUS_NO_RIGHT, "to write");
    require(ask(reader, TMP_TIMES + 1, NULL, 0, 0, NULL) < 0, "an unknown operation");
    odd_locks(file);
    sys_handle_close(reader);
    sys_handle_close(file);
}

static unsigned take(const char *name)
{
    char path[64];
    unsigned count = 0;
    for (;; count++) {
        snprintf(path, sizeof path, "/tmp/%s/%u", name, count);
        int file = open(path, O_CREAT | O_WRONLY, 0666);
        if (file < 0)
            break;
        require(write(file, "x", 1) == 1, "a byte in each file");
        close(file);
    }
    require(errno == ENOSPC, "the end of files");
    snprintf(path, sizeof path, "/tmp/%s/0", name);
    int file = open(path, O_WRONLY);
    static char much[1 << 16];
    off_t size = 0;
    while (pwrite(file, much, sizeof much, size) == (ssize_t)sizeof much && size < 1 << 26)
        size += sizeof much;
    require(size >= 1 << 20, "a larger file beside them");
    unsigned opens = 0;
    handle_t each;
    while (opens < 1000 && ask(tmp, TMP_OPEN, path + 5, strlen(path + 5), 0, &each) == STATUS_OK)
        opens++;
    require(opens > 10 && opens < 100, "open files are bounded");
    return count;
}

int main(int count, char **arguments)
{
    char path[64];
    const char *name = arguments[1];
    tmp = (handle_t)names_lookup("tmp");
    odd_requests();
    odd_files(name + 1);
    if (count > 2) { /* another service's, which has taken all that it could and ended */
        struct stat status;
        snprintf(path, sizeof path, "/tmp/%s/0", arguments[2]);
        while (stat(path, &status))
            usleep(1000);
        require(open(path, O_WRONLY) < 0 && errno == EACCES, "another's file");
        require(unlink(path) < 0 && errno == EACCES && rename(path, "/tmp/mine") < 0 && errno == EACCES, "another's name");
        snprintf(path, sizeof path, "/tmp/%s/new", arguments[2]);
        require(open(path, O_CREAT | O_WRONLY, 0666) < 0 && errno == EACCES, "in another's folder");
        snprintf(path, sizeof path, "/tmp/%s", arguments[2]);
        require(rename(path, "/tmp/theirs") < 0 && rmdir(path) < 0, "another's folder");
    }
    snprintf(path, sizeof path, "/tmp/%s", name);
    require(mkdir(path, 0777) == 0, path);
    unsigned taken = take(name);
    printf("took %s files\n", taken >= 100 ? "as many as it may" : "too few");
    return 0;
}
