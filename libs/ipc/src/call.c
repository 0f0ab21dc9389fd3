#include <protocol/call.h>
#include <string.h>
#include <system/call.h>

int64_t ipc_call(handle_t endpoint, const struct message *request, struct message *reply)
{
    uint64_t wanted = reply->handle_count;
    int64_t status = sys_call(endpoint, request, reply);
    if (status != STATUS_OK) {
        reply->handle_count = 0;
        return status;
    }
    status = (int64_t)reply->word[0];
    wanted = status >= 0 ? wanted : 0;
    while (reply->handle_count > wanted) {
        handle_t *last = &reply->handle[--reply->handle_count];
        sys_handle_close(*last);
        *last = 0;
    }
    return status;
}

struct message ipc_text_request(uint64_t operation, const char *text)
{
    return (struct message){.word = {operation}, .data = (void *)(uintptr_t)text, .size = strlen(text)};
}

void ipc_answer(handle_t reply, int64_t status, const struct message *answer)
{
    struct message message = {0};
    if (answer)
        message = *answer;
    message.word[0] = (uint64_t)status;
    int64_t sent = sys_reply(reply, &message);
    /* Handles that did not move are still here, and the server counts on their being gone. */
    for (uint64_t i = 0; sent != STATUS_OK && i < message.handle_count && i < MESSAGE_HANDLES; i++)
        sys_handle_close(message.handle[i]);
    /* The caller's buffer is too short, or a handle could not go: it must not wait for ever. */
    if (sent != STATUS_OK && sent != STATUS_PEER_GONE) {
        struct message failure = {.word = {(uint64_t)sent}};
        if (sys_reply(reply, &failure) != STATUS_OK)
            sys_handle_close(reply);
    }
}
