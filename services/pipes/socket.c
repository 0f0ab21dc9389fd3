#include "socket.h"

#include <string.h>
#include <system/call.h>

static bool is_socket(const struct end *end)
{
    return end->kind >= PIPES_STREAM;
}

struct end *socket_of_key(const struct message *message, uint64_t offset)
{
    return offset < message->size ? end_find((const char *)message->data + offset, message->size - offset) : NULL;
}

void ends_join(struct end *one, struct end *other)
{
    one->peer = other;
    other->peer = one;
    one->is_connected = other->is_connected = true;
}

static int64_t bind(struct end *end, const char *data, uint64_t key_size, uint64_t size)
{
    if (!is_socket(end))
        return PIPES_WRONG_KIND;
    if (end->key_size || !key_size || key_size > PIPES_KEY_MAX || key_size > size || size - key_size > PIPES_ADDRESS_MAX)
        return STATUS_INVALID;
    if (end_find(data, key_size))
        return PIPES_IN_USE;
    memcpy(end->key, data, key_size);
    memcpy(end->address, data + key_size, size - key_size);
    end->key_size = (uint8_t)key_size;
    end->address_size = (uint8_t)(size - key_size);
    return STATUS_OK;
}

void socket_bind(struct ipc_request *request, struct end *end)
{
    ipc_respond(request, bind(end, request->message.data, request->message.word[1], request->message.size), NULL);
}

void socket_listen(struct ipc_request *request, struct end *end)
{
    const bool may = end->kind == PIPES_STREAM || end->kind == PIPES_SEQUENCED;
    const int64_t status = !may ? PIPES_WRONG_KIND : end->is_connected || !end->key_size ? STATUS_INVALID : STATUS_OK;
    if (status == STATUS_OK) {
        const uint64_t wanted = request->message.word[1];
        end->listens = true;
        end->backlog = wanted < 1 ? 1 : wanted > ENDS_OF_OWNER / 2 ? ENDS_OF_OWNER / 2 : (uint32_t)wanted;
        end_changed(end);
    }
    ipc_respond(request, status, NULL);
}

static void connect_datagrams(struct ipc_request *request, struct end *end)
{
    struct end *to = socket_of_key(&request->message, 0);
    const bool is_to_none = !request->message.size;
    const int64_t status = is_to_none ? STATUS_OK : !to ? PIPES_REFUSED : to->kind != PIPES_DATAGRAM ? PIPES_OTHER_KIND : STATUS_OK;
    if (status == STATUS_OK) {
        end->peer = to;
        end->is_connected = to;
        end_changed(end);
    }
    ipc_respond(request, status, NULL);
}

/* The other end of a connection waits where it is accepted. */
static int64_t connect_to(struct ipc_request *request, struct end *end, struct end *listener)
{
    struct end *other;
    handle_t offered;
    int64_t status = end_make(end->owner, end->process, end->kind, &other, &offered);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; status == STATUS_OK && i < 2; i++) {
        const handle_t memory = ipc_take(request, i);
        status = memory ? end_bring_memory(i ? end : other, memory) : STATUS_INVALID;
        if (memory && status != STATUS_OK)
            sys_handle_close(memory);
    }
    if (status != STATUS_OK) {
        end_drop(other);
        sys_handle_close(offered);
        return status;
    }
    memcpy(other->address, listener->address, listener->address_size);
    other->address_size = listener->address_size;
    other->process = listener->process;
    ends_join(end, other);
    other->offered = offered;
    struct end **last = &listener->pending;
    while (*last)
        last = &(*last)->next_pending;
    *last = other;
    listener->pending_count++;
    end_changed(listener);
    end_changed(end);
    return STATUS_OK;
}

void socket_connect(struct ipc_request *request, struct end *end)
{
    if (end->kind == PIPES_DATAGRAM) {
        connect_datagrams(request, end);
        return;
    }
    struct end *listener = is_socket(end) ? socket_of_key(&request->message, 0) : NULL;
    int64_t status = !is_socket(end)                ? PIPES_WRONG_KIND
                     : end->listens                 ? STATUS_INVALID
                     : end->is_connected            ? PIPES_IS_CONNECTED
                     : !listener                    ? PIPES_REFUSED
                     : listener->kind != end->kind  ? PIPES_OTHER_KIND
                     : !listener->listens           ? PIPES_REFUSED
                                                    : STATUS_OK;
    if (status == STATUS_OK && listener->pending_count >= listener->backlog) {
        const struct wish wish = {.events = ROOM_TO_CONNECT};
        const handle_t waits = ipc_take(request, 2);
        const int64_t number = waits ? end_wait(listener, waits, &wish) : PIPES_AGAIN;
        if (waits && number < 0)
            sys_handle_close(waits);
        status = number < 0 ? number : PIPES_AGAIN;
    } else if (status == STATUS_OK) {
        status = connect_to(request, end, listener);
    }
    ipc_respond(request, status, NULL);
}

void socket_accept(struct ipc_request *request, struct end *end)
{
    struct end *first = end->pending;
    if (!end->listens || !first) {
        ipc_respond(request, end->listens ? PIPES_AGAIN : STATUS_INVALID, NULL);
        return;
    }
    end->pending = first->next_pending;
    end->pending_count--;
    struct message answer = {.handle = {first->offered}, .handle_count = 1};
    if (first->peer) {
        answer.data = first->peer->address;
        answer.size = first->peer->address_size;
    }
    first->offered = 0;
    ipc_respond(request, STATUS_OK, &answer);
    end_changed(end);
}

void socket_shut_down(struct ipc_request *request, struct end *end)
{
    const uint64_t how = request->message.word[1];
    int64_t status = !is_socket(end) ? PIPES_WRONG_KIND : !end->is_connected ? PIPES_NOT_CONNECTED : STATUS_OK;
    if (status == STATUS_OK) {
        end->reads_no_more |= (how & PIPES_NO_READ) != 0;
        end->writes_no_more |= (how & PIPES_NO_WRITE) != 0;
        if (end->peer && end->peer->peer == end) {
            end->peer->is_over |= (how & PIPES_NO_WRITE) != 0;
            end_changed(end->peer);
        }
        end_changed(end);
    }
    ipc_respond(request, status, NULL);
}

void socket_name(struct ipc_request *request, const struct end *end)
{
    const bool of_peer = request->message.word[1];
    const struct end *whose = of_peer ? end->peer : end;
    if (!is_socket(end) || (of_peer && !end->is_connected)) {
        ipc_respond(request, is_socket(end) ? PIPES_NOT_CONNECTED : PIPES_WRONG_KIND, NULL);
        return;
    }
    struct message answer = {0};
    if (whose) {
        answer.data = (void *)(uintptr_t)whose->address;
        answer.size = whose->address_size;
    }
    ipc_respond(request, STATUS_OK, &answer);
}
