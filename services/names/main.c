/* The service registry: names to endpoints (protocol/names.h). A look-up that comes too early is kept, and
 * answered when the name is registered, so that services may start in any order. */
#include <log/log.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define ENTRIES_MAX 64
#define PENDING_MAX 64

static struct entry {
    char name[NAME_MAX_LENGTH + 1];
    handle_t endpoint;
    uint64_t owner; /* the process that registered it */
} entries[ENTRIES_MAX];
static size_t entry_count;

static struct pending {
    char name[NAME_MAX_LENGTH + 1];
    handle_t reply;
} pending[PENDING_MAX];
static size_t pending_count;

static struct entry *find(const char *name)
{
    for (size_t i = 0; i < entry_count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

/* What callers get may call and be handed on, but not receive. */
static void answer_lookup(handle_t reply, const struct entry *entry)
{
    int64_t copy = sys_handle_duplicate(entry->endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DUPLICATE, 0);
    struct message answer = {.handle = {(handle_t)copy}, .handle_count = 1};
    if (copy < 0)
        ipc_answer(reply, copy, NULL);
    else
        ipc_answer(reply, STATUS_OK, &answer);
}

static void answer_pending(const struct entry *entry)
{
    for (size_t i = 0; i < pending_count;) {
        if (strcmp(pending[i].name, entry->name) != 0) {
            i++;
            continue;
        }
        answer_lookup(pending[i].reply, entry);
        pending[i] = pending[--pending_count];
    }
}

/* Asked only where a name is taken: a service that was stopped may be started again. */
static bool has_ended(uint64_t process)
{
    struct loader_status status;
    for (uint64_t i = 0; loader_status(i, &status) == STATUS_OK; i++)
        if (status.number == process)
            return status.state != LOADER_RUNS;
    return false;
}

/* An entry to fill, or NULL: *status is why there is none. */
static struct entry *take_entry(const char *name, int64_t *status)
{
    struct entry *entry = find(name);
    if (entry && !has_ended(entry->owner)) {
        *status = STATUS_OVERLAP;
        return NULL;
    }
    if (entry) {
        sys_handle_close(entry->endpoint);
        return entry;
    }
    *status = STATUS_LIMIT;
    return entry_count == ENTRIES_MAX ? NULL : &entries[entry_count++];
}

static int64_t add(const char *name, handle_t endpoint, uint64_t owner)
{
    int64_t status;
    if (!name[0] || !endpoint)
        return STATUS_INVALID;
    struct entry *entry = take_entry(name, &status);
    if (!entry)
        return status;
    strcpy(entry->name, name);
    entry->endpoint = endpoint;
    entry->owner = owner;
    log_line(LOG_DEBUG, "%s registered, %zu waited", name, pending_count);
    answer_pending(entry);
    return STATUS_OK;
}

static void handle_request(const struct message *request, const char *name, handle_t reply)
{
    handle_t received = request->handle_count ? request->handle[0] : 0;
    if (request->word[0] == NAMES_REGISTER) {
        int64_t status = add(name, received, request->badge);
        if (status != STATUS_OK && received)
            sys_handle_close(received);
        ipc_answer(reply, status, NULL);
    } else if (request->word[0] == NAMES_LOOKUP) {
        const struct entry *entry = find(name);
        if (entry) {
            answer_lookup(reply, entry);
        } else if (pending_count == PENDING_MAX) {
            ipc_answer(reply, STATUS_LIMIT, NULL);
        } else {
            strcpy(pending[pending_count].name, name);
            pending[pending_count++].reply = reply;
        }
    } else {
        ipc_answer(reply, STATUS_INVALID, NULL);
    }
}

int main(void)
{
    for (;;) {
        char name[NAME_MAX_LENGTH + 1] = {0};
        struct message request = {.data = name, .size = NAME_MAX_LENGTH};
        handle_t reply;
        if (sys_receive(sys_start_handle(START_HANDLE_NAMES), &request, &reply) != STATUS_OK)
            return 1;
        name[request.size] = 0;
        handle_request(&request, name, reply);
    }
}
