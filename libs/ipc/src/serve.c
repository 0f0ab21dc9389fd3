#include <protocol/call.h>
#include <stddef.h>
#include <system/call.h>

static void finish(struct ipc_request *request)
{
    for (unsigned i = 0; i < MESSAGE_HANDLES; i++) {
        handle_t left = ipc_take(request, i);
        if (left)
            sys_handle_close(left);
    }
    ipc_respond(request, STATUS_INVALID, NULL);
}

int64_t ipc_serve(handle_t endpoint, void *buffer, uint64_t size, ipc_handler *handle, void *context)
{
    for (;;) {
        struct ipc_request request = {.message = {.data = buffer, .size = size - 1}};
        int64_t status = sys_receive(endpoint, &request.message, &request.reply);
        if (status != STATUS_OK)
            return status;
        ((char *)buffer)[request.message.size] = 0;
        handle(context, &request);
        finish(&request);
    }
}

handle_t ipc_take(struct ipc_request *request, unsigned index)
{
    handle_t taken = index < request->message.handle_count ? request->message.handle[index] : 0;
    if (taken)
        request->message.handle[index] = 0;
    return taken;
}

void ipc_respond(struct ipc_request *request, int64_t status, const struct message *answer)
{
    handle_t reply = request->reply;
    request->reply = 0;
    if (reply)
        ipc_answer(reply, status, answer);
}
