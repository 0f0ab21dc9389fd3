#include "dlopen.h"

#include <hostlink/start_block.h>
#include <protocol/loader.h>
#include <string.h>

#include "adopt.h"
#include "log.h"

_Static_assert((int)LOADER_OPEN_GLOBAL == LINK_OPEN_GLOBAL && (int)LOADER_OPEN_LOADED == LINK_OPEN_LOADED &&
                   (int)LOADER_OPEN_KEEP == LINK_OPEN_KEEP && (int)LOADER_OPEN_DEEPBIND == LINK_OPEN_DEEPBIND && (int)LOADER_OPEN_LAZY == LINK_OPEN_LAZY,
               "flags are handed on");

static struct port *port_of(const struct child *child)
{
    return child->space.loader->port;
}

static void refuse(const struct child *child, const struct port_event *request, int64_t status)
{
    port_reply(port_of(child), request->reply, status, NULL);
}

static void refuse_with_message(const struct child *child, const struct port_event *request)
{
    const char *error = child->space.error ? child->space.error : "no memory";
    uint64_t size = strlen(error) + 1;
    const struct port_answer answer = {.data = error, .size = size < LOADER_REPLY_MAX ? size : LOADER_REPLY_MAX};
    port_reply(port_of(child), request->reply, PORT_NOT_FOUND, &answer);
}

/* What the process must run after an open, in the order of the reply. */
struct opened {
    struct loader_opened counts;
    uint64_t *data;
    struct loader_object *objects; /* in it; their handles are filled in when the list of modules has them */
    uint64_t size;
};

/* False: no memory. */
static bool list_work(struct child *child, struct opened *opened)
{
    const struct link_results *results = &child->target.link.results;
    start_resolvers_size(&child->target.link, &opened->counts.relro_count);
    opened->counts.object_count = results->sorted_count;
    opened->counts.resolver_count = results->pending_ifunc_count;
    uint64_t resolvers = results->pending_ifunc_count * sizeof(struct start_resolver);
    uint64_t relro = opened->counts.relro_count * sizeof(struct start_range);
    uint64_t functions = results->initializer_count + results->finalizer_count;
    opened->size = resolvers + relro + results->sorted_count * sizeof(struct loader_object) + functions * sizeof(uint64_t);
    opened->data = port_allocate(port_of(child), opened->size);
    if (!opened->data)
        return false;
    uint8_t *at = (uint8_t *)opened->data;
    start_resolvers_fill(&child->target.link, (struct start_resolver *)at, (struct start_range *)(at + resolvers));
    opened->objects = (struct loader_object *)(at + resolvers + relro);
    uint64_t *function = (uint64_t *)(opened->objects + results->sorted_count), *initializer = results->initializers;
    for (size_t i = 0; i < results->sorted_count; i++) {
        const struct module *module = results->sorted[i];
        opened->objects[i] = (struct loader_object){0, module->initializer_count, module->finalizer_count};
        memcpy(function, initializer, module->initializer_count * sizeof *function);
        function += module->initializer_count;
        initializer += module->initializer_count;
        memcpy(function, module->finalizers, module->finalizer_count * sizeof *function);
        function += module->finalizer_count;
    }
    return true;
}

/* False: refused, space->error says why. Nothing can fail any more once the list of modules, which the process reads, is changed. */
static bool open_fresh(struct child *child, struct opened *opened)
{
    struct target *target = &child->target;
    const char *problem = NULL;
    if (!list_work(child, opened))
        problem = "no memory for an answer";
    else if (opened->size > LOADER_REPLY_MAX)
        problem = "too many objects, constructors and indirect functions for one answer";
    if (problem) {
        space_set_error(&child->space, problem);
        target_abandon(target);
        return false;
    }
    if (!target_map(target))
        return false;
    target_commit(target);
    for (size_t i = 0; i < opened->counts.object_count; i++)
        opened->objects[i].handle = module_list_address(target->link.results.sorted[i]);
    child_forget_modules(child);
    return true;
}

static void open_object(struct child *child, const struct port_event *request, const char *name)
{
    struct target *target = &child->target;
    struct opened opened = {0};
    struct module *module = target_open(target, *name ? name : NULL, (unsigned)request->word[1]);
    if (!module || (target->link.results.fresh && !open_fresh(child, &opened))) {
        refuse_with_message(child, request);
    } else {
        opened.counts.handle = module_list_address(module);
        struct port_answer answer = {.data = opened.data, .size = opened.size};
        memcpy(answer.word + 1, &opened.counts, sizeof opened.counts);
        port_reply(port_of(child), request->reply, PORT_OK, &answer);
    }
    if (opened.data)
        port_free(port_of(child), opened.data, opened.size);
}

/* Objects that the process still needs, whatever it closed. */
static void pin(const struct child *child, const struct port_event *request, const char *handles, bool pinned)
{
    uint64_t handle;
    for (uint64_t at = 0; request->size - at >= sizeof handle; at += sizeof handle) {
        memcpy(&handle, handles + at, sizeof handle);
        struct module *module = module_list_find(&child->target.link, handle);
        if (module)
            module->pinned = pinned;
    }
}

static void close_object(struct child *child, const struct port_event *request, const char *pins)
{
    const struct link_results *results = &child->target.link.results;
    struct module *module = module_list_find(&child->target.link, request->word[1]);
    if (module && !module->opens && !module->initial)
        module = NULL; /* it is there for others */
    uint64_t size = results->module_count * sizeof(uint64_t);
    uint64_t *handles = module ? port_allocate(port_of(child), size) : NULL;
    if (!handles) {
        refuse(child, request, module ? PORT_NO_MEMORY : PORT_NOT_FOUND);
        return;
    }
    struct port_answer answer = {0};
    pin(child, request, pins, true);
    if (target_close(&child->target, module)) {
        answer = (struct port_answer){.word = {0, 1}, .data = handles, .size = results->sorted_count * sizeof *handles};
        for (size_t i = 0; i < results->sorted_count; i++)
            handles[i] = module_list_address(results->sorted[results->sorted_count - 1 - i]);
    } else if (child->space.error) {
        report(child->space.loader, "%s: what was closed stays: %s", child->name, child->space.error);
    }
    pin(child, request, pins, false);
    port_reply(port_of(child), request->reply, PORT_OK, &answer);
    port_free(port_of(child), handles, size);
}

static void sweep(struct child *child, const struct port_event *request)
{
    target_sweep(&child->target);
    child_forget_modules(child);
    port_reply(port_of(child), request->reply, PORT_OK, NULL);
}

static void find_symbol(struct child *child, const struct port_event *request, const char *name)
{
    const struct link *link = &child->target.link;
    uint64_t scope = request->word[1], where = request->word[2], length = strlen(name) + 1;
    const char *version = length < request->size ? name + length : NULL;
    const struct module *module = scope == LOADER_SCOPE_CLOSURE ? module_list_find(link, where) : link_module_at(link, where);
    struct link_symbol found;
    /* Only what was opened has a closure to search. */
    if (scope > LOADER_SCOPE_CLOSURE || (!module && scope != LOADER_SCOPE_DEFAULT) ||
        (scope == LOADER_SCOPE_CLOSURE && !module->closure) ||
        !link_find(link, (enum link_scope)scope, module, name, version, &found)) {
        refuse(child, request, PORT_NOT_FOUND);
        return;
    }
    unsigned type = found.symbol->st_info & 15;
    const struct loader_symbol symbol = {
        .address = found.address,
        .module = type == STT_TLS ? found.module->tls_module : 0,
        .indirect = type == STT_GNU_IFUNC,
    };
    struct port_answer answer = {0};
    memcpy(answer.word + 1, &symbol, sizeof symbol);
    port_reply(port_of(child), request->reply, PORT_OK, &answer);
}

static void bind_function(struct child *child, const struct port_event *request)
{
    struct link *link = &child->target.link;
    struct module *module = (struct module *)link_module_at(link, request->word[1]);
    struct link_symbol found;
    struct port_answer answer = {0};
    if (!module) {
        refuse(child, request, PORT_INVALID);
        return;
    }
    if (!link_bind(link, module, request->word[2], &found, &answer.word[3])) {
        refuse_with_message(child, request);
        return;
    }
    answer.word[1] = found.address;
    answer.word[2] = found.symbol && (found.symbol->st_info & 15) == STT_GNU_IFUNC;
    port_reply(port_of(child), request->reply, PORT_OK, &answer);
}

static void name_address(struct child *child, const struct port_event *request)
{
    uint64_t address = request->word[1];
    const struct module *module = link_module_at(&child->target.link, address);
    if (!module) {
        refuse(child, request, PORT_NOT_FOUND);
        return;
    }
    struct port_answer answer = {.word = {0, module_list_address(module)}};
    const struct elf_symbol *symbol = module_symbol_at(module, address - module->bias);
    if (symbol) {
        /* The name as the process has it, in its own mapping of the string table. */
        answer.word[2] = module->bias + module->strings.address + symbol->st_name;
        answer.word[3] = module->bias + symbol->st_value;
    }
    port_reply(port_of(child), request->reply, PORT_OK, &answer);
}

void dlopen_request(struct child *child, const struct port_event *request, const char *text)
{
    struct target *target = &child->target;
    struct space *space = &child->space;
    if (!space->port.id || (adopt_refresh(child), !target->list)) {
        refuse(child, request, PORT_INVALID);
        return;
    }
    space->is_request = true;
    if (target->linked_elsewhere && !adopt_link(child)) {
        refuse_with_message(child, request);
        space_set_error(space, NULL);
        return;
    }
    switch (request->word[0]) {
    case LOADER_OPEN:
        open_object(child, request, text);
        break;
    case LOADER_CLOSE:
        close_object(child, request, text);
        break;
    case LOADER_SWEEP:
        sweep(child, request);
        break;
    case LOADER_SYMBOL:
        find_symbol(child, request, text);
        break;
    case LOADER_BIND:
        bind_function(child, request);
        break;
    default:
        name_address(child, request);
    }
    space_set_error(space, NULL);
}
