#include "pipes_client.h"

#include <errno.h>
#include <poll.h>
#include <protocol/call.h>
#include <protocol/names.h>
#include <system/call.h>
#include <system/start.h>

long pipes_error(int64_t status)
{
    switch (status) {
    case PIPES_AGAIN:
        return -EAGAIN;
    case PIPES_BROKEN:
        return -EPIPE;
    case PIPES_NOT_CONNECTED:
        return -ENOTCONN;
    case PIPES_IS_CONNECTED:
        return -EISCONN;
    case PIPES_REFUSED:
        return -ECONNREFUSED;
    case PIPES_IN_USE:
        return -EADDRINUSE;
    case PIPES_WRONG_KIND:
        return -EOPNOTSUPP;
    case PIPES_OTHER_KIND:
        return -EPROTOTYPE;
    case STATUS_LIMIT:
        return -ENFILE;
    case STATUS_TOO_LONG:
        return -EMSGSIZE;
    case STATUS_NO_RIGHT:
        return -EBADF;
    default:
        return error_of(status);
    }
}

static long service_pipes(handle_t *pipes)
{
    static handle_t service;
    if (!service) {
        const int64_t found = sys_start_handle(START_HANDLE_NAMES) ? names_lookup("pipes") : STATUS_NOT_FOUND;
        if (found < 0)
            return found == STATUS_NOT_FOUND ? -ENOSYS : error_of(found);
        service = (handle_t)found;
    }
    *pipes = service;
    return 0;
}

int64_t end_memory(void)
{
    return sys_memory_create(PIPES_MEMORY);
}

int64_t end_ask(handle_t end, struct message *request, struct message *reply)
{
    const int64_t sent = sys_call(end, request, reply);
    for (uint64_t i = 0; sent != STATUS_OK && i < request->handle_count; i++)
        sys_handle_close(request->handle[i]);
    if (sent != STATUS_OK)
        reply->handle_count = 0;
    return sent != STATUS_OK ? sent : (int64_t)reply->word[0];
}

long end_taken(const struct message *reply, uint64_t size)
{
    return reply->word[1] <= size ? (long)reply->word[1] : -EIO;
}

long pipes_make(const uint64_t words[3], unsigned memories, unsigned count, handle_t ends[2])
{
    handle_t pipes = 0;
    const long error = service_pipes(&pipes);
    if (error)
        return error;
    struct message request = {.word = {words[0], words[1], words[2]}}, reply = {0};
    int64_t status = STATUS_OK;
    for (unsigned i = 0; status >= 0 && i < memories; i++)
        if ((status = end_memory()) > 0)
            request.handle[request.handle_count++] = (handle_t)status;
    if (status < 0) {
        while (request.handle_count)
            sys_handle_close(request.handle[--request.handle_count]);
        return error_of(status);
    }
    status = end_ask(pipes, &request, &reply);
    if (status == STATUS_OK && reply.handle_count != count)
        status = STATUS_CORRUPT;
    for (unsigned i = 0; i < reply.handle_count; i++)
        if (status == STATUS_OK)
            ends[i] = reply.handle[i];
        else
            sys_handle_close(reply.handle[i]);
    return pipes_error(status);
}

long end_poll(handle_t end, const struct end_wish *wish, handle_t endpoint, uint64_t *wait)
{
    struct message request = {.word = {PIPES_POLL, (uint64_t)wish->events, wish->room},
                              .data = (void *)(uintptr_t)wish->key,
                              .size = wish->key_size,
                              .handle = {endpoint},
                              .handle_count = endpoint != 0};
    struct message reply = {0};
    const int64_t status = end_ask(end, &request, &reply);
    *wait = reply.word[2];
    return status == STATUS_OK ? (long)reply.word[1] : status == STATUS_LIMIT ? -ENOMEM : pipes_error(status);
}

void end_disarm(handle_t end, uint64_t wait)
{
    struct message request = {.word = {PIPES_DISARM, wait}}, reply = {0};
    end_ask(end, &request, &reply);
}

long end_wait(handle_t end, const struct end_wish *wish)
{
    const int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return error_of(endpoint);
    const int64_t signalled = sys_handle_duplicate((handle_t)endpoint, RIGHT_SIGNAL | RIGHT_TRANSFER, 0);
    uint64_t wait = 0;
    long error = signalled < 0 ? error_of(signalled) : end_poll(end, wish, (handle_t)signalled, &wait);
    if (error >= 0 && wait) {
        struct message message = {0};
        handle_t none;
        int64_t status;
        do
            status = sys_receive((handle_t)endpoint, &message, &none);
        while (is_to_go_on(status));
        error = error_of(status);
        if (error)
            end_disarm(end, wait);
    }
    sys_handle_close((handle_t)endpoint);
    return error > 0 ? 0 : error;
}
