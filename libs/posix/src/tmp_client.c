#include "tmp_client.h"

#include <protocol/call.h>
#include <string.h>
#include <system/call.h>

int64_t tmp_open(handle_t tmp, const char *path, unsigned flags, handle_t *file, struct tmp_status *status)
{
    struct message request = ipc_text_request(TMP_OPEN, path);
    struct message reply = {.data = status, .size = sizeof *status, .handle_count = 1};
    request.word[1] = flags;
    int64_t result = ipc_call(tmp, &request, &reply);
    if (result != STATUS_OK)
        return result;
    if (reply.size != sizeof *status || reply.handle_count != !status->is_folder)
        return STATUS_CORRUPT;
    *file = status->is_folder ? 0 : reply.handle[0];
    return STATUS_OK;
}

static int64_t with_path(handle_t tmp, enum tmp_operation operation, const char *path, uint64_t word, void *data, uint64_t size)
{
    struct message request = ipc_text_request(operation, path), reply = {.data = data, .size = size};
    request.word[1] = word;
    int64_t result = ipc_call(tmp, &request, &reply);
    return result == STATUS_OK && reply.size != size ? STATUS_CORRUPT : result;
}

int64_t tmp_status(handle_t tmp, const char *path, struct tmp_status *status)
{
    return with_path(tmp, TMP_STATUS, path, 0, status, sizeof *status);
}

int64_t tmp_make_folder(handle_t tmp, const char *path, bool is_socket)
{
    return with_path(tmp, TMP_FOLDER, path, is_socket, NULL, 0);
}

int64_t tmp_remove(handle_t tmp, const char *path, uint64_t is_folder)
{
    return with_path(tmp, TMP_REMOVE, path, is_folder, NULL, 0);
}

int64_t tmp_list(handle_t tmp, const char *path, uint64_t index, struct tmp_entry *entry)
{
    return with_path(tmp, TMP_LIST, path, index, entry, sizeof *entry);
}

static int64_t with_both(handle_t tmp, enum tmp_operation operation, const char *from, const char *to)
{
    char both[2 * TMP_PATH_MAX];
    size_t first = strlen(from), second = strlen(to);
    if (first >= TMP_PATH_MAX || second >= TMP_PATH_MAX)
        return STATUS_TOO_LONG;
    memcpy(both, from, first + 1);
    memcpy(both + first + 1, to, second + 1);
    struct message request = {.word = {operation}, .data = both, .size = first + 1 + second}, reply = {0};
    return ipc_call(tmp, &request, &reply);
}

int64_t tmp_rename(handle_t tmp, const char *from, const char *to)
{
    return with_both(tmp, TMP_RENAME, from, to);
}

int64_t tmp_link(handle_t tmp, const char *from, const char *to)
{
    return with_both(tmp, TMP_LINK, from, to);
}

int64_t tmp_times(handle_t file, int64_t read, int64_t changed)
{
    struct message request = {.word = {TMP_TIMES, (uint64_t)read, (uint64_t)changed}}, reply = {0};
    return ipc_call(file, &request, &reply);
}

int64_t tmp_read(handle_t file, uint64_t offset, void *buffer, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t part = size - done < MESSAGE_DATA_MAX ? size - done : MESSAGE_DATA_MAX;
        struct message request = {.word = {TMP_READ, offset + done, part}};
        struct message reply = {.data = (char *)buffer + done, .size = part};
        int64_t status = ipc_call(file, &request, &reply);
        if (status != STATUS_OK)
            return done ? (int64_t)done : status;
        if (!reply.size)
            break;
        done += reply.size;
    }
    return (int64_t)done;
}

/* Bring the memory that a refusal asked for. */
static int64_t extend(handle_t file, const struct message *refusal)
{
    int64_t memory = sys_memory_create(refusal->word[2]);
    if (memory < 0)
        return memory;
    struct message request = {.word = {TMP_EXTEND, refusal->word[1]}, .handle = {(handle_t)memory}, .handle_count = 1}, reply = {0};
    int64_t sent = sys_call(file, &request, &reply);
    if (sent != STATUS_OK)
        sys_handle_close((handle_t)memory);
    return sent != STATUS_OK ? sent : (int64_t)reply.word[0];
}

int64_t tmp_write(handle_t file, uint64_t *offset, const void *data, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t part = size - done < MESSAGE_DATA_MAX ? size - done : MESSAGE_DATA_MAX;
        struct message request = {.word = {TMP_WRITE, *offset}, .data = (char *)(uintptr_t)data + done, .size = part};
        struct message reply = {0};
        int64_t status = ipc_call(file, &request, &reply);
        if (status == STATUS_OK) {
            *offset = reply.word[1];
            done += part;
        } else if (status != TMP_GROW || (status = extend(file, &reply)) != STATUS_OK) {
            return done ? (int64_t)done : status;
        }
    }
    return (int64_t)done;
}

int64_t tmp_resize(handle_t file, uint64_t size)
{
    struct message request = {.word = {TMP_RESIZE, size}}, reply = {0};
    return ipc_call(file, &request, &reply);
}

int64_t tmp_look(handle_t file, struct tmp_status *status)
{
    struct message request = {.word = {TMP_LOOK}}, reply = {.data = status, .size = sizeof *status};
    int64_t result = ipc_call(file, &request, &reply);
    return result == STATUS_OK && reply.size != sizeof *status ? STATUS_CORRUPT : result;
}

int64_t tmp_map(handle_t file, uint64_t offset, uint64_t *start, uint64_t *size)
{
    for (;;) {
        struct message request = {.word = {TMP_MAP, offset}}, reply = {.handle_count = 1};
        int64_t status = ipc_call(file, &request, &reply);
        if (status == TMP_GROW) {
            status = extend(file, &reply);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        if (status != STATUS_OK)
            return status;
        if (reply.handle_count != 1)
            return STATUS_CORRUPT;
        *start = reply.word[1];
        *size = reply.word[2];
        return reply.handle[0];
    }
}

int64_t tmp_lock(handle_t file, struct tmp_wish *wish, unsigned flags, handle_t endpoint)
{
    struct message request = {.word = {TMP_LOCK, wish->kind, wish->start, wish->last, flags}, .handle = {endpoint}, .handle_count = endpoint != 0};
    struct message reply = {0};
    const int64_t sent = sys_call(file, &request, &reply);
    if (sent != STATUS_OK && endpoint)
        sys_handle_close(endpoint);
    if (sent != STATUS_OK)
        return sent;
    *wish = (struct tmp_wish){(enum tmp_lock)reply.word[1], reply.word[2], reply.word[3], reply.word[4]};
    return (int64_t)reply.word[0];
}
