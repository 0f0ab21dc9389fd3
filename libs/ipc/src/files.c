#include <protocol/call.h>
#include <protocol/files.h>

int64_t files_open(handle_t files, const char *path, uint64_t *size)
{
    struct message request = ipc_text_request(FILES_OPEN, path), reply = {0};
    int64_t status = ipc_call(files, &request, &reply);
    if (status != STATUS_OK)
        return status;
    *size = reply.word[2];
    return (int64_t)reply.word[1];
}

int64_t files_read(handle_t files, uint64_t file, uint64_t offset, void *buffer, uint64_t size)
{
    if (size > MESSAGE_DATA_MAX)
        size = MESSAGE_DATA_MAX;
    struct message request = {.word = {FILES_READ, file, offset, size}}, reply = {.data = buffer, .size = size};
    int64_t status = ipc_call(files, &request, &reply);
    return status == STATUS_OK ? (int64_t)reply.size : status;
}

int64_t files_list(handle_t files, uint64_t index, struct files_entry *entry)
{
    struct message request = {.word = {FILES_LIST, index}}, reply = {.data = entry, .size = sizeof *entry};
    int64_t status = ipc_call(files, &request, &reply);
    if (status == STATUS_OK && reply.size != sizeof *entry)
        return STATUS_CORRUPT;
    return status;
}
