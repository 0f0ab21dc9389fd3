/* The service registry: names to endpoints (protocol/names.h). The loader service knows which service may register
 * what, and which one may still come. Each name is one of the manifest's, so the table is bounded by it. */
#include <log/log.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

static struct entry {
    struct entry *next;
    char name[NAME_MAX_LENGTH + 1];
    handle_t endpoint;
    bool mints;
} *entries;

static struct entry *find(const char *name)
{
    struct entry *entry = entries;
    while (entry && strcmp(entry->name, name) != 0)
        entry = entry->next;
    return entry;
}

static void drop(struct entry *entry)
{
    struct entry **link = &entries;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    sys_handle_close(entry->endpoint);
    free(entry);
}

/* What a client gets: it may call and hand on, but not receive. STATUS_PEER_GONE: the endpoint is dead. */
static int64_t copy_of(handle_t endpoint, uint64_t badge)
{
    return sys_handle_duplicate(endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DUPLICATE, badge);
}

/* An entry whose endpoint lives, or NULL. An entry goes with its owner: when the owner has ended, or closed the
 * endpoint. */
static struct entry *find_alive(const char *name, uint64_t client, int64_t *copy)
{
    struct entry *entry = find(name);
    *copy = entry ? copy_of(entry->endpoint, entry->mints ? client : 0) : STATUS_NOT_FOUND;
    if (*copy != STATUS_PEER_GONE)
        return entry;
    drop(entry);
    loader_unregister(name);
    *copy = STATUS_NOT_FOUND;
    return NULL;
}

static void look_up(struct ipc_request *request, const char *name)
{
    int64_t copy;
    find_alive(name, request->message.badge, &copy);
    struct message answer = {.handle = {(handle_t)copy}, .handle_count = 1};
    ipc_respond(request, copy < 0 ? copy : STATUS_OK, copy < 0 ? NULL : &answer);
}

static bool can_copy(handle_t handle, uint64_t badge)
{
    int64_t copy = copy_of(handle, badge);
    if (copy > 0)
        sys_handle_close((handle_t)copy);
    return copy > 0;
}

static int64_t add(struct ipc_request *request, const char *name)
{
    uint64_t client = request->message.badge;
    handle_t endpoint = request->message.handle_count ? request->message.handle[0] : 0;
    /* Only an endpoint has the right to be called. */
    if (!*name || !endpoint || !can_copy(endpoint, 0))
        return STATUS_INVALID;
    int64_t copy;
    struct entry *old = find_alive(name, client, &copy);
    if (copy > 0)
        sys_handle_close((handle_t)copy);
    struct entry *entry = calloc(1, sizeof *entry);
    int64_t status = entry ? loader_register(client, name, !old) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        free(entry);
        return status;
    }
    if (old)
        drop(old);
    strcpy(entry->name, name);
    entry->endpoint = ipc_take(request, 0);
    entry->mints = can_copy(entry->endpoint, client);
    entry->next = entries;
    entries = entry;
    log_line(LOG_DEBUG, "%s registered", name);
    return STATUS_OK;
}

static void handle(void *context, struct ipc_request *request)
{
    (void)context;
    const char *name = request->message.data;
    if (request->message.word[0] == NAMES_REGISTER)
        ipc_respond(request, add(request, name), NULL);
    else if (request->message.word[0] == NAMES_LOOKUP)
        look_up(request, name);
}

int main(void)
{
    static char name[NAME_MAX_LENGTH + 1];
    ipc_serve(sys_start_handle(START_HANDLE_NAMES), name, sizeof name, handle, NULL);
    return 1;
}
