/* Files that can be written (protocol/tmp.h), below /tmp. An open file is a handle whose badge says which; clients keep
 * their positions. Bounds are for each manifest entry: however many processes it has or had, others have theirs. */
#include <log/log.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>

#include "tree.h"

#define BADGE_FILE (1ull << 63) /* with owner, slot and generation; other badges are clients' process numbers */
#define OWNERS 11               /* services that use it: for each there is room for all that it may have */

static struct owner *owners[OWNERS];
static handle_t endpoint;

static bool is_running(uint64_t client, struct loader_status *status)
{
    return loader_describe(client, status) == STATUS_OK && status->state == LOADER_RUNS;
}

static int64_t find_owner(uint64_t client)
{
    struct loader_status status;
    if (!is_running(client, &status))
        return STATUS_NO_RIGHT;
    for (int64_t i = 0; i < OWNERS; i++) {
        if (!owners[i] && (owners[i] = calloc(1, sizeof **owners)))
            memcpy(owners[i]->name, status.name, strnlen(status.name, sizeof owners[i]->name - 1));
        if (!owners[i])
            return STATUS_NO_MEMORY;
        if (!strncmp(owners[i]->name, status.name, sizeof owners[i]->name - 1))
            return i;
    }
    return STATUS_LIMIT;
}

/* The index of the owner that a client is a process of, or a status. The client that asked last asks again, as a rule. */
static int64_t owner_of(uint64_t client)
{
    static uint64_t last_client;
    static int64_t last;
    if (client != last_client && (last = find_owner(client)) >= 0)
        last_client = client;
    return last;
}

static int64_t find_to_open(struct owner *owner, const char *path, uint64_t flags, struct node **node)
{
    int64_t status = tree_find(path, node);
    if (status == STATUS_NOT_FOUND && (flags & TMP_FOR_CREATING))
        return tree_make(owner, path, false, node);
    if (status != STATUS_OK)
        return status;
    if ((flags & TMP_FOR_CREATING) && (flags & TMP_FOR_NEW))
        return TMP_EXISTS;
    if ((*node)->is_socket)
        return TMP_IS_SOCKET;
    if (!(flags & TMP_FOR_WRITING))
        return STATUS_OK;
    return (*node)->is_folder ? TMP_IS_FOLDER : (*node)->owner != owner ? STATUS_NO_RIGHT : STATUS_OK;
}

static void open_file(struct ipc_request *request, int64_t index, const char *path, uint64_t flags)
{
    struct owner *owner = owners[index];
    struct node *node;
    int64_t status = find_to_open(owner, path, flags, &node);
    if (status != STATUS_OK) {
        ipc_respond(request, status, NULL);
        return;
    }
    if ((flags & TMP_FOR_WRITING) && (flags & TMP_FOR_EMPTY))
        node_resize(node, 0);
    struct tmp_status description;
    tree_describe(node, &description);
    struct message answer = {.data = &description, .size = sizeof description};
    if (!node->is_folder) {
        int64_t slot = tree_open(owner, node, request->message.badge, flags & TMP_FOR_WRITING);
        uint64_t badge = BADGE_FILE | (uint64_t)owner->opens[slot < 0 ? 0 : slot].generation << 16 | (uint64_t)index << 8;
        int64_t handle = slot < 0 ? slot : ipc_make_member(endpoint, badge | (uint64_t)slot, &owner->opens[slot].receives);
        if (handle < 0) {
            if (slot >= 0)
                tree_close(&owner->opens[slot]);
            ipc_respond(request, handle, NULL);
            return;
        }
        answer.handle[0] = (handle_t)handle;
        answer.handle_count = 1;
    }
    ipc_respond(request, STATUS_OK, &answer);
}

static void list(struct ipc_request *request, const char *path, uint64_t index)
{
    struct node *node;
    struct tmp_entry entry = {0};
    int64_t status = tree_list(path, index, &node);
    struct message answer = {.data = &entry, .size = sizeof entry};
    if (status == STATUS_OK) {
        entry = (struct tmp_entry){.number = node->number, .is_folder = node->is_folder, .is_socket = node->is_socket};
        strcpy(entry.name, node->name);
    }
    ipc_respond(request, status, status == STATUS_OK ? &answer : NULL);
}

static void describe(struct ipc_request *request, int64_t status, const struct node *node)
{
    struct tmp_status description;
    struct message answer = {.data = &description, .size = sizeof description};
    if (status == STATUS_OK)
        tree_describe(node, &description);
    ipc_respond(request, status, status == STATUS_OK ? &answer : NULL);
}

/* TMP_RENAME and TMP_LINK have two paths. */
static int64_t with_both(int64_t (*change)(struct owner *, const char *, const char *), struct owner *owner, const struct message *message)
{
    const char *from = message->data;
    size_t length = strlen(from);
    return length < message->size ? change(owner, from, from + length + 1) : STATUS_INVALID;
}

static void handle_client(struct ipc_request *request)
{
    const struct message *message = &request->message;
    const char *path = message->data;
    struct node *node = NULL;
    int64_t index = owner_of(message->badge);
    if (index < 0) {
        ipc_respond(request, index, NULL);
        return;
    }
    switch (message->word[0]) {
    case TMP_OPEN:
        open_file(request, index, path, message->word[1]);
        break;
    case TMP_STATUS: {
        int64_t status = tree_find(path, &node);
        describe(request, status, node);
        break;
    }
    case TMP_FOLDER: {
        const bool is_socket = message->word[1];
        const int64_t status = tree_make(owners[index], path, !is_socket, &node);
        if (status == STATUS_OK)
            node->is_socket = is_socket;
        ipc_respond(request, status, NULL);
        break;
    }
    case TMP_REMOVE:
        ipc_respond(request, tree_remove(owners[index], path, message->word[1]), NULL);
        break;
    case TMP_RENAME:
        ipc_respond(request, with_both(tree_rename, owners[index], message), NULL);
        break;
    case TMP_LINK:
        ipc_respond(request, with_both(tree_link, owners[index], message), NULL);
        break;
    case TMP_LIST:
        list(request, path, message->word[1]);
        break;
    }
}

/* To a file. */

static void grow(struct ipc_request *request, const struct span *span)
{
    struct message answer = {.word = {0, span->start, span->size}};
    ipc_respond(request, TMP_GROW, &answer);
}

static void read_part(struct ipc_request *request, struct node *node, uint64_t offset, uint64_t size)
{
    static const uint8_t zeros[4096];
    struct span span;
    struct message answer = {0};
    if (offset < node->size && part_of(node, offset, &span)) {
        uint64_t left = node->size < span.start + span.size ? node->size - offset : span.start + span.size - offset;
        uint64_t most = span.part->memory ? MESSAGE_DATA_MAX : sizeof zeros;
        size = size < left ? size : left;
        answer.size = size < most ? size : most;
        answer.data = span.part->memory ? (void *)(span.part->here + (offset - span.start)) : (void *)(uintptr_t)zeros;
    }
    ipc_respond(request, STATUS_OK, &answer);
}

/* All or nothing: the memory for all of it must be there. */
static void write_parts(struct ipc_request *request, struct node *node, uint64_t offset)
{
    const struct message *message = &request->message;
    struct span span;
    uint64_t at = offset == TMP_AT_END ? node->size : offset;
    if (at > TMP_SIZE_MAX || message->size > TMP_SIZE_MAX - at) {
        ipc_respond(request, STATUS_LIMIT, NULL);
        return;
    }
    uint64_t end = at + message->size;
    for (uint64_t each = at; each < end && part_of(node, each, &span); each = span.start + span.size)
        if (!span.part->memory) {
            grow(request, &span);
            return;
        }
    const uint8_t *data = message->data;
    while (at < end && part_of(node, at, &span)) {
        uint64_t stop = end < span.start + span.size ? end : span.start + span.size;
        memcpy(span.part->here + (at - span.start), data, stop - at);
        data += stop - at;
        at = stop;
    }
    node->size = message->size && end > node->size ? end : node->size;
    node->changed = sys_clock(CLOCK_WALL);
    struct message answer = {.word = {0, end}};
    ipc_respond(request, STATUS_OK, &answer);
}

static void extend(struct ipc_request *request, struct node *node, uint64_t offset)
{
    handle_t memory = ipc_take(request, 0);
    int64_t status = memory ? part_set(node, offset, memory) : STATUS_INVALID;
    if (memory && status != STATUS_OK)
        sys_handle_close(memory);
    ipc_respond(request, status, NULL);
}

static void map_part(struct ipc_request *request, const struct open *open, uint64_t offset)
{
    struct span span;
    if (!part_of(open->node, offset, &span)) {
        ipc_respond(request, STATUS_INVALID, NULL);
    } else if (!span.part->memory) {
        if (open->writes)
            grow(request, &span);
        else
            ipc_respond(request, STATUS_NOT_FOUND, NULL);
    } else {
        unsigned rights = RIGHT_READ | RIGHT_DUPLICATE | RIGHT_TRANSFER | (open->writes ? RIGHT_WRITE : 0);
        int64_t memory = sys_handle_duplicate(span.part->memory, rights, 0);
        struct message answer = {.word = {0, span.start, span.size}, .handle = {(handle_t)memory}, .handle_count = 1};
        ipc_respond(request, memory < 0 ? memory : STATUS_OK, memory < 0 ? NULL : &answer);
    }
}

static void lock_file(struct ipc_request *request, struct open *open)
{
    const uint64_t *word = request->message.word;
    struct lock_wish wish = {(enum tmp_lock)word[1], word[4] & TMP_LOCK_WHOLE, word[2], word[3], 0};
    if (word[1] > TMP_LOCK_EXCLUSIVE || wish.start > wish.last)
        return;
    int64_t status = word[4] & TMP_LOCK_TEST ? lock_test(open, &wish) : lock_set(open, &wish);
    const handle_t waits = status == TMP_LOCKED ? ipc_take(request, 0) : 0;
    if (waits) {
        const int64_t waited = lock_wait(open, wish.client, waits);
        if (waited != STATUS_OK)
            sys_handle_close(waits);
        status = waited == STATUS_OK ? TMP_LOCKED : waited;
    }
    const struct message answer = {.word = {0, wish.kind, wish.start, wish.last, wish.client}};
    ipc_respond(request, status, &answer);
}

static int64_t set_times(struct open *open, int64_t read, int64_t changed)
{
    if (open->owner != open->node->owner)
        return STATUS_NO_RIGHT;
    open->node->read = read == TMP_SAME ? open->node->read : read;
    open->node->changed = changed == TMP_SAME ? open->node->changed : changed;
    return STATUS_OK;
}

/* NULL: it is not open any more. */
static struct open *open_of(uint64_t badge)
{
    const uint64_t slot = badge & 0xff, index = badge >> 8 & 0xff;
    struct owner *owner = index < OWNERS ? owners[index] : NULL;
    struct open *open = owner && slot < OPENS_OF_OWNER ? &owner->opens[slot] : NULL;
    return open && open->node && open->generation == (uint32_t)(badge >> 16) ? open : NULL;
}

static void handle_file(struct ipc_request *request)
{
    const struct message *message = &request->message;
    struct open *open = open_of(message->badge);
    if (!open)
        return;
    if (!request->reply) {
        if (message->word[0] == MESSAGE_NO_CALLERS)
            tree_close(open);
        return;
    }
    /* Who brings memory may have kept a handle of it. */
    bool changes = message->word[0] == TMP_WRITE || message->word[0] == TMP_RESIZE || message->word[0] == TMP_EXTEND;
    if (changes && !open->writes) {
        ipc_respond(request, STATUS_NO_RIGHT, NULL);
        return;
    }
    switch (message->word[0]) {
    case TMP_READ:
        read_part(request, open->node, message->word[1], message->word[2]);
        break;
    case TMP_WRITE:
        write_parts(request, open->node, message->word[1]);
        break;
    case TMP_EXTEND:
        extend(request, open->node, message->word[1]);
        break;
    case TMP_RESIZE:
        if (message->word[1] <= TMP_SIZE_MAX)
            node_resize(open->node, message->word[1]);
        ipc_respond(request, message->word[1] <= TMP_SIZE_MAX ? STATUS_OK : STATUS_LIMIT, NULL);
        break;
    case TMP_LOOK:
        describe(request, STATUS_OK, open->node);
        break;
    case TMP_MAP:
        map_part(request, open, message->word[1]);
        break;
    case TMP_LOCK:
        lock_file(request, open);
        break;
    case TMP_TIMES:
        ipc_respond(request, set_times(open, (int64_t)message->word[1], (int64_t)message->word[2]), NULL);
        break;
    }
}

static void handle(void *context, struct ipc_request *request)
{
    (void)context;
    if (request->message.badge & BADGE_FILE)
        handle_file(request);
    else
        handle_client(request);
}

int main(void)
{
    static char data[MESSAGE_DATA_MAX + 1];
    int64_t served = names_serve("tmp");
    if (served < 0)
        return 1;
    endpoint = (handle_t)served;
    ipc_serve(endpoint, data, sizeof data, handle, NULL);
    return 1;
}
