#include <protocol/call.h>
#include <protocol/names.h>
#include <system/start.h>

int64_t names_register(const char *name, handle_t endpoint)
{
    struct message request = ipc_text_request(NAMES_REGISTER, name), reply = {0};
    request.handle[0] = endpoint;
    request.handle_count = 1;
    return ipc_call(sys_start_handle(START_HANDLE_NAMES), &request, &reply);
}

int64_t names_lookup(const char *name)
{
    struct message request = ipc_text_request(NAMES_LOOKUP, name), reply = {0};
    int64_t status = ipc_call(sys_start_handle(START_HANDLE_NAMES), &request, &reply);
    return status == STATUS_OK ? (int64_t)reply.handle[0] : status;
}
