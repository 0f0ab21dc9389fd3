#include <protocol/call.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <system/call.h>
#include <system/start.h>

int64_t names_register(const char *name, handle_t endpoint)
{
    struct message request = ipc_text_request(NAMES_REGISTER, name), reply = {0};
    request.handle[0] = endpoint;
    request.handle_count = 1;
    return ipc_call(sys_start_handle(START_HANDLE_NAMES), &request, &reply);
}

int64_t names_serve(const char *name)
{
    int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return endpoint;
    int64_t callable = sys_handle_duplicate((handle_t)endpoint, RIGHT_CALL | RIGHT_MINT | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    int64_t status = callable < 0 ? callable : names_register(name, (handle_t)callable);
    if (status != STATUS_OK && callable > 0)
        sys_handle_close((handle_t)callable);
    if (status != STATUS_OK)
        sys_handle_close((handle_t)endpoint);
    return status == STATUS_OK ? endpoint : status;
}

int64_t names_lookup(const char *name)
{
    struct message request = ipc_text_request(NAMES_LOOKUP, name);
    for (;;) {
        struct message reply = {.handle_count = 1};
        int64_t status = ipc_call(sys_start_handle(START_HANDLE_NAMES), &request, &reply);
        if (status == STATUS_OK)
            return reply.handle_count ? (int64_t)reply.handle[0] : STATUS_CORRUPT;
        if (status == STATUS_NOT_FOUND)
            status = loader_await(name);
        if (status != STATUS_OK)
            return status;
    }
}
