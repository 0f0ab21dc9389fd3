#include <protocol/call.h>
#include <protocol/loader.h>
#include <system/start.h>

static int64_t call_loader(const struct message *request, struct message *reply)
{
    return ipc_call(sys_start_handle(START_HANDLE_LOADER), request, reply);
}

int64_t loader_start(const char *service)
{
    struct message request = ipc_text_request(LOADER_START, service), reply = {0};
    int64_t status = call_loader(&request, &reply);
    return status == STATUS_OK ? (int64_t)reply.word[1] : status;
}

int64_t loader_wait(uint64_t process, int64_t *exit_status)
{
    struct message request = {.word = {LOADER_WAIT, process}}, reply = {0};
    int64_t status = call_loader(&request, &reply);
    if (status == STATUS_OK)
        *exit_status = (int64_t)reply.word[2];
    return status;
}

int64_t loader_module(uint64_t process, uint64_t index, struct loader_module *module)
{
    struct message request = {.word = {LOADER_MODULES, process, index}}, reply = {.data = module, .size = sizeof *module};
    int64_t status = call_loader(&request, &reply);
    return status == STATUS_OK && reply.size != sizeof *module ? STATUS_CORRUPT : status;
}

int64_t loader_process(uint64_t index, uint64_t *process, char name[PROCESS_NAME_MAX])
{
    struct message request = {.word = {LOADER_PROCESS, index}}, reply = {.data = name, .size = PROCESS_NAME_MAX};
    int64_t status = call_loader(&request, &reply);
    if (status == STATUS_OK)
        *process = reply.word[1];
    return status;
}
