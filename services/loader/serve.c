#include "serve.h"

#include <protocol/loader.h>
#include <string.h>

#include "authority.h"
#include "dlopen.h"
#include "log.h"
#include "modules.h"
#include "services.h"
#include "wait.h"

static void refuse(const struct loader *loader, const struct port_event *request, int64_t status)
{
    port_reply(loader->port, request->reply, status, NULL);
}

static void start_by_name(struct loader *loader, const struct port_event *request, const char *name)
{
    const struct image_service *service = archive_find_service(&loader->archive, name);
    struct child *child = NULL;
    int64_t status = PORT_NOT_FOUND;
    if (service)
        status = services_start_for(loader, child_find(loader, request->number), service, request->gift, &child);
    else
        port_gift_drop(loader->port, request->gift);
    const struct port_answer answer = {.word = {0, child ? child->number : 0}};
    port_reply(loader->port, request->reply, status, &answer);
}

/* To a field that is all zero; cut off where it is too long. */
static void copy_name(char *field, const char *name, size_t size)
{
    size_t length = strlen(name);
    memcpy(field, name, length < size ? length : size - 1);
}

static void describe_module(const struct loader *loader, const struct port_event *request)
{
    /* Where things lie in a process is what random addresses hide from others. */
    if (request->word[1] != request->number && !authority_granted(child_find(loader, request->number), IMAGE_GRANT_INSPECT)) {
        refuse(loader, request, PORT_NO_RIGHT);
        return;
    }
    struct child *child = child_find(loader, request->word[1]);
    uint64_t index = request->word[2];
    /* A client that asks for one after the other begins with the first. */
    size_t count = !child ? 0 : index == 0 ? modules_of(child) : child->module_count;
    if (index >= count) {
        refuse(loader, request, PORT_NOT_FOUND);
        return;
    }
    const struct module_record *module = &child->modules[index];
    struct loader_module description = {
        .base = module->base,
        .size = module->high - module->low,
        .read_only = module->read_only,
        .writable = module->writable,
    };
    copy_name(description.name, module->name, sizeof description.name);
    port_reply(loader->port, request->reply, PORT_OK, &(struct port_answer){.data = &description, .size = sizeof description});
}

/* A name is the data of every answer of that kind. */
__attribute__((noinline)) static void answer_name(const struct loader *loader, const struct port_event *request, const char *name,
                        struct port_answer *answer)
{
    char field[LOADER_PROCESS_NAME_MAX] = {0};
    copy_name(field, name, sizeof field);
    answer->data = field;
    answer->size = sizeof field;
    port_reply(loader->port, request->reply, PORT_OK, answer);
}

static void describe_process(const struct loader *loader, const struct port_event *request, const struct child *child)
{
    if (!child) {
        refuse(loader, request, PORT_NOT_FOUND);
        return;
    }
    struct port_answer answer = {.word = {0, child->number, child->state, (uint64_t)child->exit_status, child->starter}};
    answer_name(loader, request, child->name, &answer);
}

static void describe_service(const struct loader *loader, const struct port_event *request)
{
    if (request->word[1] >= loader->archive.header->service_count) {
        refuse(loader, request, PORT_NOT_FOUND);
        return;
    }
    const struct image_service *service = &loader->archive.services[request->word[1]];
    answer_name(loader, request, archive_string(&loader->archive, service->name), &(struct port_answer){0});
}

/* For processes that the manifest gives control to. An end that was asked for is no failure of the boot. */
static void stop(struct loader *loader, const struct port_event *request)
{
    const struct child *caller = child_find(loader, request->number);
    struct child *child = child_find(loader, request->word[1]);
    int64_t status = PORT_OK;
    if (!authority_granted(caller, IMAGE_GRANT_CONTROL))
        status = PORT_NO_RIGHT;
    else if (!child)
        status = PORT_NOT_FOUND;
    else if (child->state != CHILD_RUNS)
        status = PORT_GONE;
    if (status == PORT_OK) {
        report(loader, "%s (process %llu) was stopped by %s", child->name, (unsigned long long)child->number, caller->name);
        services_stop(loader, child);
    }
    port_reply(loader->port, request->reply, status, NULL);
}

/* A process may send to itself, to those that it started, and with control to all. */
static void signal_process(struct loader *loader, const struct port_event *request)
{
    struct child *caller = child_find(loader, request->number);
    const struct child *child = child_find(loader, request->word[1]);
    int64_t status = PORT_NOT_FOUND;
    if (!child)
        ;
    else if (child != caller && child->starter != request->number && !authority_granted(caller, IMAGE_GRANT_CONTROL))
        status = PORT_NO_RIGHT;
    else
        status = child->state == CHILD_RUNS ? port_signal(loader->port, child->space.port, request->word[2], request->number) : PORT_GONE;
    port_reply(loader->port, request->reply, status, NULL);
}

static void give(struct loader *loader, const struct port_event *request)
{
    struct child *child = child_find(loader, request->number);
    struct port_answer answer = {0};
    if (child) {
        answer.gift = child->given;
        child->given.id = 0;
    }
    port_reply(loader->port, request->reply, answer.gift.id ? PORT_OK : PORT_NOT_FOUND, &answer);
}

/* What the registry alone asks for. */
static void serve_registry(struct loader *loader, const struct port_event *request, const char *name)
{
    const struct child *caller = child_find(loader, request->number);
    if (!caller || !authority_is_registry(loader, caller->service)) {
        refuse(loader, request, PORT_NO_RIGHT);
    } else if (request->word[0] == LOADER_REGISTER) {
        int64_t status = authority_register(loader, request->word[1], name, request->word[2]);
        port_reply(loader->port, request->reply, status, NULL);
        if (status == PORT_OK)
            wait_registered(loader, name);
    } else {
        authority_unregister(loader, name);
        port_reply(loader->port, request->reply, PORT_OK, NULL);
    }
}

static void handle_request(struct loader *loader, const struct port_event *request, const char *text)
{
    switch (request->word[0]) {
    case LOADER_START:
        start_by_name(loader, request, text);
        break;
    case LOADER_WAIT:
        if (request->word[1])
            wait_for_end(loader, request, request->word[1]);
        else
            wait_for_any(loader, request);
        break;
    case LOADER_AWAIT:
        wait_for_name(loader, request, text);
        break;
    case LOADER_REGISTER:
    case LOADER_UNREGISTER:
        serve_registry(loader, request, text);
        break;
    case LOADER_MODULES:
        describe_module(loader, request);
        break;
    case LOADER_PROCESS:
        describe_process(loader, request, child_at(loader, request->word[1]));
        break;
    case LOADER_DESCRIBE:
        describe_process(loader, request, child_find(loader, request->word[1]));
        break;
    case LOADER_SERVICE:
        describe_service(loader, request);
        break;
    case LOADER_STOP:
        stop(loader, request);
        break;
    case LOADER_SIGNAL:
        signal_process(loader, request);
        break;
    case LOADER_GIVEN:
        give(loader, request);
        break;
    case LOADER_OPEN:
    case LOADER_CLOSE:
    case LOADER_SWEEP:
    case LOADER_SYMBOL:
    case LOADER_ADDRESS:
    case LOADER_BIND: {
        struct child *child = child_find(loader, request->number);
        if (child)
            dlopen_request(child, request, text);
        else
            refuse(loader, request, PORT_INVALID);
        break;
    }
    default:
        refuse(loader, request, PORT_INVALID);
    }
}

static void end_machine_when_done(const struct loader *loader)
{
    if (loader->programs_running)
        return;
    report(loader, "every program of the manifest ended: %s", loader->failed ? "failed" : "passed");
    port_verdict(loader->port, !loader->failed);
}

void serve(struct loader *loader)
{
    char text[LOADER_SYMBOL_MAX + 1];
    struct port_event event;
    end_machine_when_done(loader);
    while (port_receive(loader->port, &event, text, sizeof text - 1)) {
        unsigned running = loader->programs_running;
        if (event.kind == PORT_REQUEST) {
            text[event.size] = 0;
            handle_request(loader, &event, text);
        } else {
            services_ended(loader, &event);
        }
        if (loader->programs_running != running)
            end_machine_when_done(loader);
    }
}
