#include <protocol/call.h>
#include <protocol/loader.h>
#include <string.h>
#include <system/start.h>

_Static_assert(LOADER_PROCESS_NAME_MAX == PROCESS_NAME_MAX, "processes are named by the kernel");

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

int64_t loader_process(uint64_t index, uint64_t *process, char name[LOADER_PROCESS_NAME_MAX])
{
    struct message request = {.word = {LOADER_PROCESS, index}}, reply = {.data = name, .size = LOADER_PROCESS_NAME_MAX};
    int64_t status = call_loader(&request, &reply);
    if (status == STATUS_OK)
        *process = reply.word[1];
    return status;
}

static int64_t ask_status(enum loader_operation operation, uint64_t which, struct loader_status *status)
{
    struct message request = {.word = {operation, which}}, reply = {.data = status->name, .size = sizeof status->name};
    int64_t result = call_loader(&request, &reply);
    status->number = reply.word[1];
    status->state = reply.word[2];
    status->exit_status = (int64_t)reply.word[3];
    return result;
}

int64_t loader_status(uint64_t index, struct loader_status *status)
{
    return ask_status(LOADER_PROCESS, index, status);
}

int64_t loader_describe(uint64_t process, struct loader_status *status)
{
    return ask_status(LOADER_DESCRIBE, process, status);
}

int64_t loader_register(uint64_t process, const char *name, uint64_t is_dead)
{
    struct message request = ipc_text_request(LOADER_REGISTER, name), reply = {0};
    request.word[1] = process;
    request.word[2] = is_dead;
    return call_loader(&request, &reply);
}

int64_t loader_unregister(const char *name)
{
    struct message request = ipc_text_request(LOADER_UNREGISTER, name), reply = {0};
    return call_loader(&request, &reply);
}

int64_t loader_await(const char *name)
{
    struct message request = ipc_text_request(LOADER_AWAIT, name), reply = {0};
    return call_loader(&request, &reply);
}

int64_t loader_service(uint64_t index, char name[LOADER_PROCESS_NAME_MAX])
{
    struct message request = {.word = {LOADER_SERVICE, index}}, reply = {.data = name, .size = LOADER_PROCESS_NAME_MAX};
    return call_loader(&request, &reply);
}

int64_t loader_stop(uint64_t process)
{
    struct message request = {.word = {LOADER_STOP, process}}, reply = {0};
    return call_loader(&request, &reply);
}

int64_t loader_open(const char *name, uint64_t flags, struct loader_opened *opened, void *reply, uint64_t *size)
{
    struct message request = {.word = {LOADER_OPEN, flags}, .data = (void *)(uintptr_t)name, .size = strlen(name) + 1};
    struct message answer = {.data = reply, .size = *size};
    int64_t status = call_loader(&request, &answer);
    *size = answer.size;
    memcpy(opened, answer.word + 1, sizeof *opened);
    return status;
}

int64_t loader_close(uint64_t handle, const uint64_t *pins, uint64_t pin_count, uint64_t *handles, uint64_t *size)
{
    struct message request = {
        .word = {LOADER_CLOSE, handle},
        .data = (void *)(uintptr_t)pins,
        .size = pin_count * sizeof *pins,
    };
    struct message answer = {.data = handles, .size = *size};
    int64_t status = call_loader(&request, &answer);
    *size = answer.size;
    return status == STATUS_OK ? (int64_t)answer.word[1] : status;
}

int64_t loader_sweep(void)
{
    struct message request = {.word = {LOADER_SWEEP}}, answer = {0};
    return call_loader(&request, &answer);
}

int64_t loader_symbol(enum loader_scope scope, uint64_t where, const char *name, const char *version,
                      struct loader_symbol *symbol)
{
    size_t name_size = strlen(name) + 1, version_size = version ? strlen(version) + 1 : 0;
    char names[LOADER_SYMBOL_MAX];
    if (name_size + version_size > sizeof names)
        return STATUS_TOO_LONG;
    memcpy(names, name, name_size);
    if (version)
        memcpy(names + name_size, version, version_size);
    struct message request = {
        .word = {LOADER_SYMBOL, scope, where},
        .data = names,
        .size = name_size + version_size,
    };
    struct message answer = {0};
    int64_t status = call_loader(&request, &answer);
    memcpy(symbol, answer.word + 1, sizeof *symbol);
    return status;
}

int64_t loader_address(uint64_t address, uint64_t *handle, uint64_t *name, uint64_t *symbol)
{
    struct message request = {.word = {LOADER_ADDRESS, address}}, answer = {0};
    int64_t status = call_loader(&request, &answer);
    *handle = answer.word[1];
    *name = answer.word[2];
    *symbol = answer.word[3];
    return status;
}

int64_t loader_bind(uint64_t address, uint64_t index, struct loader_symbol *function, uint64_t *slot, char *message,
                    uint64_t size)
{
    struct message request = {.word = {LOADER_BIND, address, index}}, answer = {.data = message, .size = size};
    int64_t status = call_loader(&request, &answer);
    *function = (struct loader_symbol){.address = answer.word[1], .indirect = answer.word[2]};
    *slot = answer.word[3];
    return status;
}
