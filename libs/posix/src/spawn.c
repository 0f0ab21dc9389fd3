/* posix_spawn(): the loader service starts what a service of the manifest names; over an endpoint that comes along the new
 * process is given the rest. */
#include <posix/spawn.h>

#include <errno.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <string.h>
#include <sys/mman.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "children.h"
#include "given.h"
#include "signals.h"

/* A program that opens no folders has none. */
extern __typeof(folder_path) folder_path __attribute__((weak));

/* The child's descriptors, in the making. */
struct table {
    struct descriptor files[DESCRIPTORS];
    long opened[DESCRIPTORS]; /* numbers of this process that were opened for it */
    unsigned opened_count;
    struct path folder; /* where it begins */
};

/* In the child's terms, whole. */
static long find(const struct table *table, const char *text, char whole[PATH_MAX + 1])
{
    struct path path;
    const long error = path_resolve(table->folder.text, text, &path);
    whole[0] = '/';
    strcpy(whole + 1, error ? "" : path.text);
    return error;
}

static long change_folder(struct table *table, const char *text)
{
    char whole[PATH_MAX + 1];
    struct stat status;
    long error = find(table, text, whole);
    if (!error)
        error = file_status_at(AT_FDCWD, whole, &status, 0);
    if (!error && !S_ISDIR(status.st_mode))
        error = -ENOTDIR;
    if (!error)
        strcpy(table->folder.text, whole + 1);
    return error;
}

static long change_to_open(struct table *table, int number)
{
    const struct descriptor *file = number >= 0 && number < DESCRIPTORS ? &table->files[number] : NULL;
    if (!file || file->kind == CLOSED)
        return -EBADF;
    if (file->kind != FOLDER || !folder_path)
        return -ENOTDIR;
    strcpy(table->folder.text, folder_path(file));
    return 0;
}

static long open_for(struct table *table, const struct posix_spawn_step *step)
{
    char whole[PATH_MAX + 1];
    const long error = find(table, step->path, whole);
    if (error)
        return error;
    const long number = table->opened_count < DESCRIPTORS ? file_open(AT_FDCWD, whole, step->flags) : -EMFILE;
    if (number < 0)
        return number;
    table->opened[table->opened_count++] = number;
    table->files[step->number] = *descriptor_of(number);
    return 0;
}

static long do_step(struct table *table, const struct posix_spawn_step *step)
{
    struct descriptor *file = table->files;
    if (step->kind == POSIX_SPAWN_CHDIR)
        return change_folder(table, step->path);
    if (step->kind == POSIX_SPAWN_FCHDIR)
        return change_to_open(table, step->number);
    if (step->number < 0 || step->number >= DESCRIPTORS)
        return -EBADF;
    switch (step->kind) {
    case POSIX_SPAWN_CLOSE:
        file[step->number].kind = CLOSED;
        return 0;
    case POSIX_SPAWN_DUP2:
        if (step->from < 0 || step->from >= DESCRIPTORS || file[step->from].kind == CLOSED)
            return -EBADF;
        file[step->number] = file[step->from];
        file[step->number].closes_on_exec = false;
        return 0;
    case POSIX_SPAWN_OPEN:
        return open_for(table, step);
    default:
        return -ENOSYS;
    }
}

static long prepare(struct table *table, const struct posix_spawn_with *with)
{
    for (long number = 0; number < DESCRIPTORS; number++) {
        const struct descriptor *file = descriptor_of(number);
        table->files[number] = file ? *file : (struct descriptor){.kind = CLOSED};
    }
    table->opened_count = 0;
    strcpy(table->folder.text, working_folder);
    for (unsigned i = 0; i < with->step_count; i++) {
        const long error = do_step(table, &with->steps[i]);
        if (error)
            return error;
    }
    for (long number = 0; number < DESCRIPTORS; number++)
        if (table->files[number].closes_on_exec || table->files[number].kind == RESERVED)
            table->files[number].kind = CLOSED;
    return 0;
}

static void release(struct table *table)
{
    while (table->opened_count)
        file_close(table->opened[--table->opened_count]);
}

/* How many bytes the strings have; *count: how many they are. */
static size_t measure(char *const *list, uint64_t *count)
{
    size_t size = 0;
    for (*count = 0; list && list[*count]; ++*count)
        size += strlen(list[*count]) + 1;
    return size;
}

static char *append(char *at, char *const *list, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const size_t size = strlen(list[i]) + 1;
        memcpy(at, list[i], size);
        at += size;
    }
    return at;
}

/* False: the other one has gone, or takes nothing. */
static bool send(handle_t endpoint, const struct message *message)
{
    struct message reply = {0};
    return sys_call(endpoint, message, &reply) == STATUS_OK;
}

static bool send_descriptor(handle_t endpoint, long number, const struct descriptor *file)
{
    struct given_descriptor given = {.file = *file};
    struct message message = {.word = {GIVEN_DESCRIPTOR, (uint64_t)number}, .data = &given, .size = sizeof given};
    if (file->kind == FOLDER && folder_path) {
        given.path[0] = '/';
        strncpy(given.path + 1, folder_path(file), sizeof given.path - 2);
    } else if (file->opened.file) {
        const int64_t copy = sys_handle_duplicate(file->opened.file, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
        if (copy < 0)
            return true; /* it has one fewer */
        message.handle[0] = (handle_t)copy;
        message.handle_count = 1;
    }
    const bool is_sent = send(endpoint, &message);
    if (!is_sent && message.handle_count)
        sys_handle_close(message.handle[0]);
    return is_sent;
}

static void give(handle_t endpoint, const struct table *table, const struct message *strings)
{
    bool goes_on = send(endpoint, strings);
    for (long number = 0; goes_on && number < DESCRIPTORS; number++)
        if (table->files[number].kind != CLOSED)
            goes_on = send_descriptor(endpoint, number, &table->files[number]);
    struct message folder = {.word = {GIVEN_FOLDER}, .data = (void *)(uintptr_t)table->folder.text};
    folder.size = strlen(table->folder.text);
    if (goes_on && folder.size)
        goes_on = send(endpoint, &folder);
    if (goes_on)
        send(endpoint, &(struct message){.word = {GIVEN_END}});
}

static const char *service_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static long start_error(int64_t status)
{
    switch (status) {
    case STATUS_NO_RIGHT:
        return -EACCES;
    case STATUS_LIMIT:
    case STATUS_NO_MEMORY:
        return -EAGAIN;
    case STATUS_INVALID:
        return -ENOEXEC;
    default:
        return error_of(status);
    }
}

/* With a handle to receive, which goes along; what is sent there *endpoint leads to. */
static long start(const char *path, handle_t *endpoint)
{
    const int64_t made = sys_endpoint_create();
    if (made < 0)
        return start_error(made);
    const int64_t receiver = sys_handle_duplicate((handle_t)made, RIGHT_RECEIVE | RIGHT_TRANSFER, 0);
    const int64_t caller = receiver < 0 ? receiver : sys_handle_duplicate((handle_t)made, RIGHT_CALL, 0);
    sys_handle_close((handle_t)made);
    struct message request = ipc_text_request(LOADER_START, service_of(path));
    request.handle[0] = (handle_t)receiver;
    request.handle_count = 1;
    const long number = caller < 0 ? start_error(caller) : child_start(&request);
    if (number < 0 && caller > 0)
        sys_handle_close((handle_t)caller);
    *endpoint = (handle_t)caller;
    return number < 0 ? start_error(number) : number;
}

long child_spawn(const char *path, char *const *arguments, char *const *environment, const struct posix_spawn_with *with)
{
    struct table table;
    static char strings[1];
    struct message message = {.word = {GIVEN_STRINGS}, .data = strings};
    message.size = measure(arguments, &message.word[GIVEN_ARGUMENTS]);
    message.size += measure(environment, &message.word[GIVEN_ENVIRONMENT]);
    if (message.size > MESSAGE_DATA_MAX)
        return -E2BIG;
    message.word[GIVEN_MASK] = with->mask;
    message.word[GIVEN_IGNORED] = signal_ignored_set() & ~with->defaulted;
    const unsigned long size = message.size + 1;
    const long buffer = memory_map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer < 0)
        return -ENOMEM;
    message.data = (void *)buffer;
    append(append(message.data, arguments, message.word[GIVEN_ARGUMENTS]), environment, message.word[GIVEN_ENVIRONMENT]);
    long number = prepare(&table, with);
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        message.word[GIVEN_DESCRIPTORS] |= (uint64_t)(table.files[i].kind != CLOSED) << i;
    handle_t endpoint = 0;
    if (!number && (number = start(path, &endpoint)) > 0) {
        give(endpoint, &table, &message);
        sys_handle_close(endpoint);
    }
    release(&table);
    memory_unmap((unsigned long)buffer, size);
    return number;
}
