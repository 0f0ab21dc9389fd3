/* The boot image's files (protocol/files.h), read-only. Holds no state for its clients: an open file is a handle whose
 * badge says which, and readers keep their own positions. */
#include <ambilink/needs.h>
#include <bootimage/archive.h>
#include <log/log.h>
#include <protocol/call.h>
#include <protocol/files.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define BADGE_FILE (1ull << 63) /* with the file's index; other badges are clients' process numbers, which names gives */
#define BADGE_EXECUTES (1ull << 62) /* likewise: the client may execute it */

SERVICE_NEEDS(IMAGE_GRANT_IMAGE);

static struct archive archive;
static handle_t endpoint;

/* What the packer linked is the loader service's alone. */
static bool is_served(const struct image_file *file)
{
    return file->kind != IMAGE_FILE_PAGES && file->kind != IMAGE_FILE_PACKED;
}

/* The manifest's entry of a client; NULL: it has none. The client that asked last asks again, as a rule. */
static const struct image_service *service_of(uint64_t client)
{
    static uint64_t last_client;
    static const struct image_service *last;
    struct loader_status status;
    if (client != last_client) {
        last = loader_describe(client, &status) == STATUS_OK ? archive_find_service(&archive, status.name) : NULL;
        last_client = client;
    }
    return last;
}

/* A program of Linux brings what links it, which opens and executes the image's libraries. */
static bool links_itself(const struct image_service *service)
{
    return service->calls == IMAGE_CALLS_LINUX;
}

static bool is_linked(const struct image_file *file)
{
    return file->kind == IMAGE_FILE_LIBRARY;
}

static bool may_open(uint64_t client, const struct image_file *file)
{
    const struct image_service *service = service_of(client);
    if (!is_served(file) || !service)
        return false;
    return (links_itself(service) && is_linked(file)) ||
           archive_list_find(&archive, service->opens, archive_string(&archive, file->name)) >= 0;
}

/* Not again where a client tries the same again and again. */
static void report_refusal(uint64_t client, const struct image_file *file)
{
    static uint64_t last_client;
    static const struct image_file *last_file;
    const struct image_service *service = service_of(client);
    if (!service || !is_served(file) || (client == last_client && file == last_file))
        return;
    last_client = client;
    last_file = file;
    const char *name = archive_string(&archive, file->name);
    log_line(LOG_WARNING, "%s may not open %s: the manifest does not say opens = [\"%s\"]",
             archive_string(&archive, service->name), name, name);
}

static void answer_file(struct ipc_request *request, const struct image_file *file)
{
    uint64_t index = (uint64_t)(file - archive.files);
    if (!may_open(request->message.badge, file)) {
        report_refusal(request->message.badge, file);
        ipc_respond(request, STATUS_NO_RIGHT, NULL);
        return;
    }
    uint64_t badge = BADGE_FILE | index | (links_itself(service_of(request->message.badge)) ? BADGE_EXECUTES : 0);
    int64_t opened = sys_handle_duplicate(endpoint, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, badge);
    struct message answer = {.word = {0, index + 1, file->size}, .handle = {(handle_t)opened}, .handle_count = 1};
    ipc_respond(request, opened < 0 ? opened : STATUS_OK, opened < 0 ? NULL : &answer);
}

static void open_path(struct ipc_request *request, const char *path)
{
    const struct image_file *file = NULL;
    const struct message folder = {.word = {0, 0, 0, 1}};
    switch (archive_resolve(&archive, path, &file)) {
    case ARCHIVE_PATH_FILE:
        answer_file(request, file);
        break;
    case ARCHIVE_PATH_FOLDER:
        ipc_respond(request, STATUS_OK, &folder);
        break;
    case ARCHIVE_PATH_NOT_A_FOLDER:
        ipc_respond(request, FILES_NOT_A_FOLDER, NULL);
        break;
    default:
        ipc_respond(request, STATUS_NOT_FOUND, NULL);
    }
}

static void read_file(struct ipc_request *request, uint64_t index)
{
    uint64_t offset = request->message.word[1], size = request->message.word[2];
    if (index >= archive.header->file_count)
        return;
    const struct image_file *file = archive_file(&archive, (uint32_t)index);
    uint64_t left = offset < file->size ? file->size - offset : 0;
    if (size > left)
        size = left;
    if (size > MESSAGE_DATA_MAX)
        size = MESSAGE_DATA_MAX;
    /* Straight from the image: the kernel copies once, into the reader's buffer. */
    const uint8_t *contents = (const uint8_t *)archive_contents(&archive, file) + (left ? offset : 0);
    if (sys_image_check(contents, size) != STATUS_OK) {
        ipc_respond(request, STATUS_CORRUPT, NULL);
        return;
    }
    struct message answer = {.data = (void *)(uintptr_t)contents, .size = size};
    ipc_respond(request, STATUS_OK, &answer);
}

/* The file's pages of the image, and no others. */
static void map_file(struct ipc_request *request, uint64_t index, bool executes)
{
    if (index >= archive.header->file_count)
        return;
    const struct image_file *file = archive_file(&archive, (uint32_t)index);
    const uint64_t pages = (file->size + AMBILINK_PAGE_SIZE - 1) / AMBILINK_PAGE_SIZE;
    const uint64_t rights = RIGHT_READ | RIGHT_TRANSFER | (executes ? RIGHT_EXECUTE : 0);
    int64_t part = pages ? sys_handle_duplicate(sys_start_handle(START_HANDLE_IMAGE), rights,
                                                MEMORY_PART(file->offset / AMBILINK_PAGE_SIZE, pages))
                         : STATUS_INVALID;
    struct message answer = {.word = {0, file->size}, .handle = {(handle_t)part}, .handle_count = 1};
    ipc_respond(request, part < 0 ? part : STATUS_OK, part < 0 ? NULL : &answer);
}

/* The file at an index of those that a client may open, or the count of all. A client that asks for one after the
 * other, as all do, begins where the last one was. */
static uint32_t find_listed(uint64_t client, uint64_t index)
{
    static struct {
        uint64_t client, index;
        uint32_t at;
    } last;
    bool goes_on = client == last.client && index == last.index + 1 && last.at < archive.header->file_count;
    uint32_t at = goes_on ? last.at + 1 : 0;
    uint64_t left = goes_on ? 0 : index;
    while (at < archive.header->file_count && (!may_open(client, archive_file(&archive, at)) || left--))
        at++;
    last.client = client;
    last.index = index;
    last.at = at;
    return at;
}

static void list_file(struct ipc_request *request, uint64_t index)
{
    uint32_t at = find_listed(request->message.badge, index);
    if (at >= archive.header->file_count) {
        ipc_respond(request, STATUS_NOT_FOUND, NULL);
        return;
    }
    const struct image_file *file = archive_file(&archive, at);
    struct files_entry entry = {.kind = file->kind, .size = file->size};
    snprintf(entry.name, sizeof entry.name, "%s", archive_string(&archive, file->name));
    memcpy(entry.digest, file->digest, sizeof entry.digest);
    struct message answer = {.data = &entry, .size = sizeof entry};
    ipc_respond(request, STATUS_OK, &answer);
}

static void handle(void *context, struct ipc_request *request)
{
    (void)context;
    const struct message *message = &request->message;
    if (message->badge & BADGE_FILE) {
        const uint64_t index = message->badge & ~(BADGE_FILE | BADGE_EXECUTES);
        if (message->word[0] == FILES_READ)
            read_file(request, index);
        else if (message->word[0] == FILES_MAP)
            map_file(request, index, message->badge & BADGE_EXECUTES);
    } else if (message->word[0] == FILES_OPEN) {
        open_path(request, message->data);
    } else if (message->word[0] == FILES_LIST) {
        list_file(request, message->word[1]);
    }
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
    static char path[FILES_PATH_MAX];
    if (open_archive())
        return 1;
    int64_t served = names_serve("files");
    if (served < 0)
        return 1;
    endpoint = (handle_t)served;
    unsigned count = 0;
    for (uint32_t i = 0; i < archive.header->file_count; i++)
        count += is_served(archive_file(&archive, i));
    log_line(LOG_INFO, "serving %u files", count);
    ipc_serve(endpoint, path, sizeof path, handle, NULL);
    return 1;
}
