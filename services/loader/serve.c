/* Requests of other services, and notices of the kernel. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <stdio.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

static void start_by_name(handle_t reply, const char *name)
{
    const struct image_service *service = archive_find_service(&loader.archive, name);
    struct child *child = service ? child_start(service, false) : NULL;
    struct message answer = {.word = {0, child ? child->number : 0}};
    ipc_answer(reply, !service ? STATUS_NOT_FOUND : child ? STATUS_OK : STATUS_INVALID, &answer);
}

static void wait_for(handle_t reply, uint64_t number)
{
    struct child *child = child_find(number);
    if (!child) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
    } else if (child->state != CHILD_RUNS) {
        struct message answer = {.word = {0, child->state, (uint64_t)child->exit_status}};
        ipc_answer(reply, STATUS_OK, &answer);
    } else if (child->waiter_count == WAITERS_MAX) {
        ipc_answer(reply, STATUS_LIMIT, NULL);
    } else {
        child->waiters[child->waiter_count++] = reply;
    }
}

static void describe_module(handle_t reply, uint64_t number, uint64_t index)
{
    struct child *child = child_find(number);
    /* Whoever asks for one after the other begins with the first. */
    size_t count = !child ? 0 : index == 0 ? child_modules(child) : child->module_count;
    if (index >= count) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    const struct module_record *module = &child->modules[index];
    struct loader_module description = {
        .base = module->base,
        .size = module->high - module->low,
        .read_only = module->read_only,
        .writable = module->writable,
    };
    snprintf(description.name, sizeof description.name, "%s", module->name);
    struct message answer = {.data = &description, .size = sizeof description};
    ipc_answer(reply, STATUS_OK, &answer);
}

static void describe_process(handle_t reply, uint64_t index)
{
    struct child *child = loader.children;
    while (child && index--)
        child = child->next;
    if (!child) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    char name[PROCESS_NAME_MAX] = {0};
    snprintf(name, sizeof name, "%s", child->name);
    struct message answer = {.word = {0, child->number}, .data = name, .size = sizeof name};
    ipc_answer(reply, STATUS_OK, &answer);
}

static void handle_request(const struct message *request, const char *text, handle_t reply)
{
    for (uint64_t i = 0; i < request->handle_count; i++)
        sys_handle_close(request->handle[i]); /* no operation takes any */
    switch (request->word[0]) {
    case LOADER_START:
        start_by_name(reply, text);
        break;
    case LOADER_WAIT:
        wait_for(reply, request->word[1]);
        break;
    case LOADER_MODULES:
        describe_module(reply, request->word[1], request->word[2]);
        break;
    case LOADER_PROCESS:
        describe_process(reply, request->word[1]);
        break;
    case LOADER_OPEN:
    case LOADER_CLOSE:
    case LOADER_SWEEP:
    case LOADER_SYMBOL:
    case LOADER_ADDRESS: {
        /* The badge of a handle that this service gave out is its process' number. */
        struct child *child = child_find(request->badge);
        if (child)
            dynamic_request(child, request, text, reply);
        else
            ipc_answer(reply, STATUS_INVALID, NULL);
        break;
    }
    default:
        ipc_answer(reply, STATUS_INVALID, NULL);
    }
}

static void end_machine_when_done(void)
{
    if (loader.programs_running)
        return;
    say("every program of the manifest ended: %s", loader.failed ? "failed" : "passed");
    sys_machine_exit(sys_start_handle(START_HANDLE_SYSTEM), loader.failed ? VERDICT_FAIL : VERDICT_PASS);
}

void serve(void)
{
    for (;;) {
        end_machine_when_done();
        static char text[LOADER_SYMBOL_MAX + 1];
        struct message request = {.data = text, .size = sizeof text - 1};
        handle_t reply = 0;
        if (sys_receive(loader.endpoint, &request, &reply) != STATUS_OK)
            continue;
        text[request.size] = 0;
        if (reply) {
            handle_request(&request, text, reply);
        } else if (request.word[0] == MESSAGE_PROCESS_EXITED) {
            struct child *child = child_find(request.badge);
            if (child)
                child_ended(child, request.word[1] == PROCESS_FAULTED, (int64_t)request.word[2]);
        }
    }
}
