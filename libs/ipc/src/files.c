#include <protocol/call.h>
#include <protocol/files.h>
#include <stdbool.h>

int64_t files_open(handle_t files, const char *path, struct files_opened *opened)
{
    struct message request = ipc_text_request(FILES_OPEN, path), reply = {.handle_count = 1};
    int64_t status = ipc_call(files, &request, &reply);
    if (status != STATUS_OK)
        return status;
    bool is_folder = reply.word[3];
    if (reply.handle_count != !is_folder)
        return STATUS_CORRUPT;
    *opened = (struct files_opened){is_folder ? 0 : reply.handle[0], reply.word[1], reply.word[2]};
    return STATUS_OK;
}

int64_t files_read(handle_t file, uint64_t offset, void *buffer, uint64_t size)
{
    if (size > MESSAGE_DATA_MAX)
        size = MESSAGE_DATA_MAX;
    struct message request = {.word = {FILES_READ, offset, size}}, reply = {.data = buffer, .size = size};
    int64_t status = ipc_call(file, &request, &reply);
    return status == STATUS_OK ? (int64_t)reply.size : status;
}

int64_t files_map(handle_t file)
{
    struct message request = {.word = {FILES_MAP}}, reply = {.handle_count = 1};
    int64_t status = ipc_call(file, &request, &reply);
    if (status != STATUS_OK)
        return status;
    return reply.handle_count == 1 ? (int64_t)reply.handle[0] : STATUS_CORRUPT;
}

int64_t files_list(handle_t files, uint64_t index, struct files_entry *entry)
{
    struct message request = {.word = {FILES_LIST, index}}, reply = {.data = entry, .size = sizeof *entry};
    int64_t status = ipc_call(files, &request, &reply);
    if (status == STATUS_OK && reply.size != sizeof *entry)
        return STATUS_CORRUPT;
    return status;
}
