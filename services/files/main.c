/* The boot image's files (protocol/files.h), read-only. Holds no state for its callers: a file is known by
 * its index in the image's directory, and readers keep their own positions. */
#include <ambilink/needs.h>
#include <bootimage/archive.h>
#include <log/log.h>
#include <protocol/call.h>
#include <protocol/files.h>
#include <protocol/names.h>
#include <stdio.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

SERVICE_NEEDS(IMAGE_GRANT_IMAGE);

static struct archive archive;

/* What the packer linked is the loader service's alone. */
static bool is_served(const struct image_file *file)
{
    return file->kind != IMAGE_FILE_PAGES && file->kind != IMAGE_FILE_PACKED;
}

static void open_file(handle_t reply, const char *path)
{
    const struct image_file *file = archive_find(&archive, path);
    if (file && !is_served(file))
        file = NULL;
    log_line(LOG_DEBUG, "open %s: %s", path, file ? "found" : "not there");
    struct message answer = {.word = {0, file ? (uint64_t)(file - archive.files) : 0, file ? file->size : 0}};
    ipc_answer(reply, file ? STATUS_OK : STATUS_NOT_FOUND, &answer);
}

static void read_file(handle_t reply, uint64_t index, uint64_t offset, uint64_t size)
{
    if (index >= archive.header->file_count || !is_served(archive_file(&archive, (uint32_t)index))) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    const struct image_file *file = archive_file(&archive, (uint32_t)index);
    uint64_t left = offset < file->size ? file->size - offset : 0;
    if (size > left)
        size = left;
    if (size > MESSAGE_DATA_MAX)
        size = MESSAGE_DATA_MAX;
    if (size && sys_image_check(sys_start_handle(START_HANDLE_IMAGE), file->offset + offset, size) != STATUS_OK) {
        ipc_answer(reply, STATUS_CORRUPT, NULL);
        return;
    }
    /* Straight from the image: the kernel copies once, into the reader's buffer. */
    const uint8_t *contents = archive_contents(&archive, file);
    struct message answer = {.data = (void *)(uintptr_t)(contents + (left ? offset : 0)), .size = size};
    ipc_answer(reply, STATUS_OK, &answer);
}

static void list_file(handle_t reply, uint64_t index)
{
    uint32_t at = 0;
    while (at < archive.header->file_count && (!is_served(archive_file(&archive, at)) || index--))
        at++;
    if (at == archive.header->file_count) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    const struct image_file *file = archive_file(&archive, at);
    struct files_entry entry = {.kind = file->kind, .size = file->size};
    snprintf(entry.name, sizeof entry.name, "%s", archive_string(&archive, file->name));
    memcpy(entry.digest, file->digest, sizeof entry.digest);
    struct message answer = {.data = &entry, .size = sizeof entry};
    ipc_answer(reply, STATUS_OK, &answer);
}

static int open_archive(void)
{
    uint64_t size = sys_start_info()->image_size;
    int64_t mapped = sys_process_map(sys_start_handle(START_HANDLE_SELF), sys_start_handle(START_HANDLE_IMAGE), 0, size,
                                     0, PROT_READ_ONLY);
    const char *rule = mapped < 0 ? "it cannot be mapped" : archive_open(&archive, (const void *)mapped, size);
    if (rule)
        log_line(LOG_ERROR, "boot image: %s", rule);
    return rule != NULL;
}

int main(void)
{
    if (open_archive())
        return 1;
    int64_t endpoint = sys_endpoint_create();
    int64_t callable = endpoint < 0 ? endpoint : sys_handle_duplicate((handle_t)endpoint, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (callable < 0 || names_register("files", (handle_t)callable) != STATUS_OK)
        return 1;
    unsigned count = 0;
    for (uint32_t i = 0; i < archive.header->file_count; i++)
        count += is_served(archive_file(&archive, i));
    log_line(LOG_INFO, "serving %u files", count);
    for (;;) {
        char path[FILES_NAME_MAX];
        struct message request = {.data = path, .size = sizeof path - 1};
        handle_t reply;
        if (sys_receive((handle_t)endpoint, &request, &reply) != STATUS_OK)
            return 1;
        path[request.size] = 0;
        if (request.word[0] == FILES_OPEN)
            open_file(reply, path);
        else if (request.word[0] == FILES_READ)
            read_file(reply, request.word[1], request.word[2], request.word[3]);
        else if (request.word[0] == FILES_LIST)
            list_file(reply, request.word[1]);
        else
            ipc_answer(reply, STATUS_INVALID, NULL);
    }
}
