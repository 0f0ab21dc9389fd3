/* Pipes, local sockets and counters (protocol/pipes.h). Each end has an endpoint, all of which are received here; the kernel
 * notices when no client has a handle of one any more. */
#include <protocol/call.h>
#include <protocol/names.h>
#include <string.h>
#include <system/call.h>

#include "end.h"
#include "owner.h"
#include "socket.h"

static uint8_t data[MESSAGE_DATA_MAX + 1];

/* New ends. */

static int64_t bring(struct ipc_request *request, unsigned index, struct end *end)
{
    const handle_t memory = ipc_take(request, index);
    const int64_t status = memory ? end_bring_memory(end, memory) : STATUS_INVALID;
    if (memory && status != STATUS_OK)
        sys_handle_close(memory);
    return status;
}

/* One or two ends; memory for those whose kind needs it. Handles go with the answer, or are closed: so their ends go. */
static void make(struct ipc_request *request, const enum pipes_kind kinds[2], unsigned count)
{
    int64_t status = STATUS_NO_RIGHT;
    struct owner *owner = owner_of(request->message.badge, &status);
    struct end *made[2] = {0};
    struct message answer = {0};
    unsigned memories = 0;
    status = owner ? STATUS_OK : status;
    for (unsigned i = 0; status == STATUS_OK && i < count; i++) {
        status = end_make(owner, request->message.badge, kinds[i], &made[i], &answer.handle[i]);
        answer.handle_count += status == STATUS_OK;
        if (status == STATUS_OK && (kinds[i] == PIPES_READER || kinds[i] == PIPES_DATAGRAM || (kinds[i] > PIPES_COUNT && count == 2)))
            status = bring(request, memories++, made[i]);
    }
    if (status == STATUS_OK && count == 2)
        ends_join(made[0], made[1]);
    if (status == STATUS_OK && kinds[0] == PIPES_COUNT) {
        made[0]->count = (uint32_t)request->message.word[1];
        made[0]->counts_down = request->message.word[2];
    }
    for (unsigned i = 0; status != STATUS_OK && i < answer.handle_count; i++) {
        end_drop(made[i]);
        sys_handle_close(answer.handle[i]);
    }
    ipc_respond(request, status, status == STATUS_OK ? &answer : NULL);
}

static void handle_client(struct ipc_request *request)
{
    const enum pipes_kind kind = (enum pipes_kind)request->message.word[1];
    const bool is_of_socket = kind >= PIPES_STREAM && kind <= PIPES_SEQUENCED;
    switch (request->message.word[0]) {
    case PIPES_PIPE:
        make(request, (enum pipes_kind[]){PIPES_READER, PIPES_WRITER}, 2);
        break;
    case PIPES_COUNTER:
        make(request, (enum pipes_kind[2]){PIPES_COUNT}, 1);
        break;
    case PIPES_PAIR:
        if (is_of_socket)
            make(request, (enum pipes_kind[]){kind, kind}, 2);
        break;
    case PIPES_SOCKET:
        if (is_of_socket)
            make(request, (enum pipes_kind[2]){kind}, 1);
        break;
    }
}

/* To an end. */

static void read_count(struct ipc_request *request, struct end *end)
{
    uint64_t count = end->counts_down && end->count ? 1 : end->count;
    if (request->message.word[1] < sizeof count || !count) {
        ipc_respond(request, request->message.word[1] < sizeof count ? STATUS_INVALID : PIPES_AGAIN, NULL);
        return;
    }
    end->count -= count;
    struct message answer = {.word = {0, sizeof count}, .data = &count, .size = sizeof count};
    ipc_respond(request, STATUS_OK, &answer);
    end_changed(end);
}

static void write_count(struct ipc_request *request, struct end *end)
{
    uint64_t more = UINT64_MAX;
    if (request->message.size == sizeof more)
        memcpy(&more, request->message.data, sizeof more);
    const int64_t status = more == UINT64_MAX ? STATUS_INVALID : more > UINT64_MAX - 1 - end->count ? PIPES_AGAIN : STATUS_OK;
    struct message answer = {.word = {0, sizeof more}};
    if (status == STATUS_OK)
        end->count += more;
    ipc_respond(request, status, &answer);
    if (status == STATUS_OK)
        end_changed(end);
}

/* Its bytes, and where the whole is asked for the address and what was passed behind them. */
static void answer_read(struct ipc_request *request, struct got *got)
{
    static uint8_t whole[MESSAGE_DATA_MAX];
    struct message answer = {.data = (void *)(uintptr_t)got->data, .size = got->about.size};
    struct passed *each = got->passed;
    if (request->message.word[2] & PIPES_WHOLE) {
        memcpy(whole, got->data, got->about.size);
        memcpy(whole + answer.size, got->address, got->address ? got->about.address_size : 0);
        answer.size += got->about.address_size;
        for (; each && answer.handle_count < PIPES_PASSED_MAX; each = each->next) {
            memcpy(whole + answer.size, &each->about, sizeof each->about);
            answer.size += sizeof each->about;
            answer.handle[answer.handle_count++] = each->handle;
            each->handle = 0;
        }
        got->about.passed = answer.handle_count;
        answer.data = whole;
    }
    memcpy(answer.word + 1, &got->about, sizeof got->about);
    ipc_respond(request, STATUS_OK, &answer);
    passed_free(got->passed);
}

static void read_end(struct ipc_request *request, struct end *end)
{
    const uint64_t wanted = request->message.word[1], flags = request->message.word[2];
    struct got got;
    if (end->kind == PIPES_COUNT) {
        read_count(request, end);
        return;
    }
    int64_t status = end->kind == PIPES_WRITER ? STATUS_NO_RIGHT : end->listens ? STATUS_INVALID : STATUS_OK;
    if (status == STATUS_OK && !end->is_connected && end->kind != PIPES_DATAGRAM)
        status = PIPES_NOT_CONNECTED;
    if (status == STATUS_OK)
        status = end_read(end, wanted < PIPES_DATA_MAX ? wanted : PIPES_DATA_MAX, flags & PIPES_PEEK, &got);
    if (status == STATUS_OK)
        answer_read(request, &got);
    else
        ipc_respond(request, status, NULL);
}

/* Whom it writes to: the one with a key, or who it is connected to. NULL: *status is why. */
static struct end *receiver_of(const struct message *message, struct end *end, uint64_t key_at, int64_t *status)
{
    const bool has_key = key_at < message->size;
    struct end *to = has_key ? socket_of_key(message, key_at) : end->peer;
    *status = STATUS_OK;
    if (end->kind == PIPES_READER)
        *status = STATUS_NO_RIGHT;
    else if (has_key && end->kind != PIPES_DATAGRAM)
        *status = end->is_connected ? PIPES_IS_CONNECTED : PIPES_WRONG_KIND;
    else if (has_key && to && to->kind != PIPES_DATAGRAM)
        *status = PIPES_OTHER_KIND;
    else if (!has_key && !end->is_connected)
        *status = PIPES_NOT_CONNECTED;
    else if (end->writes_no_more)
        *status = PIPES_BROKEN;
    else if (!to || to->reads_no_more)
        *status = end->kind == PIPES_DATAGRAM && !to ? PIPES_REFUSED : PIPES_BROKEN;
    if (*status == PIPES_REFUSED && !has_key)
        end->is_connected = false;
    return *status == STATUS_OK ? to : NULL;
}

static void write_end(struct ipc_request *request, struct end *end)
{
    const struct message *message = &request->message;
    const uint64_t count = message->word[1], key = message->word[2], about = count * sizeof(struct pipes_passed);
    if (end->kind == PIPES_COUNT) {
        write_count(request, end);
        return;
    }
    if (count > PIPES_PASSED_MAX || count > message->handle_count || key > PIPES_KEY_MAX || about + key > message->size)
        return;
    struct pipes_passed passed[PIPES_PASSED_MAX];
    const uint64_t size = message->size - key - about;
    memcpy(passed, (const uint8_t *)message->data + size, about);
    int64_t status;
    struct end *to = receiver_of(message, end, message->size - key, &status);
    if (to) {
        const struct sent sent = {message->data, size, passed, message->handle, (unsigned)count};
        status = end_write(end, to, &sent);
        for (unsigned i = 0; status >= 0 && i < count; i++)
            ipc_take(request, i);
    }
    struct message answer = {.word = {0, (uint64_t)status}};
    ipc_respond(request, status < 0 ? status : STATUS_OK, &answer);
}

/* With a key, of who has that. */
static void poll_end(struct ipc_request *request, struct end *end)
{
    const struct message *message = &request->message;
    const struct wish wish = {(uint32_t)message->word[1], (uint32_t)message->word[2], message->size};
    struct end *of = message->size ? socket_of_key(message, 0) : end;
    struct message answer = {0};
    int64_t number = of ? STATUS_OK : PIPES_REFUSED;
    if (of && !end_grants(of, &wish) && message->handle_count) {
        const handle_t endpoint = ipc_take(request, 0);
        number = end_wait(of, endpoint, &wish);
        if (number < 0)
            sys_handle_close(endpoint);
    }
    answer.word[1] = of ? end_events(of) & wish.events : 0;
    answer.word[2] = number < 0 ? 0 : (uint64_t)number;
    ipc_respond(request, number < 0 ? number : STATUS_OK, &answer);
}

static void look_at(struct ipc_request *request, const struct end *end)
{
    struct message answer = {0};
    const struct pipes_status status = {end->kind, end_readable(end), end->listens, end->peer ? end->peer->process : 0};
    memcpy(answer.word + 1, &status, sizeof status);
    ipc_respond(request, STATUS_OK, &answer);
}

static void handle_end(struct ipc_request *request, struct end *end)
{
    switch (request->message.word[0]) {
    case PIPES_READ:
        read_end(request, end);
        break;
    case PIPES_WRITE:
        write_end(request, end);
        break;
    case PIPES_POLL:
        poll_end(request, end);
        break;
    case PIPES_DISARM:
        end_disarm(end, (uint32_t)request->message.word[1]);
        ipc_respond(request, STATUS_OK, NULL);
        break;
    case PIPES_LOOK:
        look_at(request, end);
        break;
    case PIPES_BIND:
        socket_bind(request, end);
        break;
    case PIPES_LISTEN:
        socket_listen(request, end);
        break;
    case PIPES_CONNECT:
        socket_connect(request, end);
        break;
    case PIPES_ACCEPT:
        socket_accept(request, end);
        break;
    case PIPES_SHUTDOWN:
        socket_shut_down(request, end);
        break;
    case PIPES_NAME:
        socket_name(request, end);
        break;
    }
}

static void handle(void *context, struct ipc_request *request)
{
    (void)context;
    struct end *end = end_of_badge(request->message.badge);
    if (!request->reply && request->message.word[0] == MESSAGE_NO_CALLERS && end)
        end_drop(end);
    else if (request->reply && end)
        handle_end(request, end);
    else if (request->reply)
        handle_client(request);
}

int main(void)
{
    const int64_t served = names_serve("pipes");
    if (served < 0)
        return 1;
    ends_serve_at((handle_t)served);
    ipc_serve((handle_t)served, data, sizeof data, handle, NULL);
    return 1;
}
