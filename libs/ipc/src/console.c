#include <protocol/call.h>
#include <protocol/console.h>

int64_t console_open(handle_t console, const char *name)
{
    struct message request = ipc_text_request(CONSOLE_OPEN, name), reply = {0};
    int64_t status = ipc_call(console, &request, &reply);
    return status == STATUS_OK ? (int64_t)reply.handle[0] : status;
}

int64_t console_write(handle_t writer, const void *text, uint64_t size)
{
    struct message request = {.word = {CONSOLE_WRITE}, .data = (void *)(uintptr_t)text, .size = size}, reply = {0};
    return ipc_call(writer, &request, &reply);
}
