#include <protocol/call.h>
#include <protocol/console.h>

int64_t console_write(handle_t console, const void *text, uint64_t size)
{
    struct message request = {.word = {CONSOLE_WRITE}, .data = (void *)(uintptr_t)text, .size = size}, reply = {0};
    return ipc_call(console, &request, &reply);
}
