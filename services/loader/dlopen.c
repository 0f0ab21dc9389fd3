#include "dlopen.h"

#include <hostlink/start_block.h>
#include <protocol/loader.h>
#include <string.h>

#include "adopt.h"
#include "log.h"

_Static_assert((int)LOADER_OPEN_GLOBAL == LINK_OPEN_GLOBAL && (int)LOADER_OPEN_LOADED == LINK_OPEN_LOADED &&
                   (int)LOADER_OPEN_KEEP == LINK_OPEN_KEEP && (int)LOADER_OPEN_DEEPBIND == LINK_OPEN_DEEPBIND,
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
    const char *error = child->space.error;
    error = *error ? error : "no memory";
    const struct port_answer answer = {.data = error, .size = strlen(error) + 1};
    port_reply(port_of(child), request->reply, PORT_NOT_FOUND, &answer);
}

/* What the process must run after an open, in the order of the reply. */
struct opened {
    struct loader_opened counts;
    uint64_t *data;
    uint64_t size;
};

/* False: no memory. */
static bool list_work(struct child *child, struct opened *opened)
{
    const struct link *link = &child->target.link;
    start_resolvers_size(link, &opened->counts.relro_count);
    opened->counts.initializer_count = link->results.initializer_count;
    opened->counts.resolver_count = link->results.pending_ifunc_count;
    uint64_t initializers = link->results.initializer_count * sizeof(uint64_t);
    uint64_t resolvers = link->results.pending_ifunc_count * sizeof(struct start_resolver);
    opened->size = initializers + resolvers + opened->counts.relro_count * sizeof(struct start_range);
    if (!opened->size)
        return true;
    opened->data = port_allocate(port_of(child), opened->size);
    if (!opened->data)
        return false;
    uint8_t *at = (uint8_t *)opened->data;
    memcpy(at, link->results.initializers, initializers);
    start_resolvers_fill(link, (struct start_resolver *)(at + initializers),
                         (struct start_range *)(at + initializers + resolvers));
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
        problem = "too many constructors and indirect functions for one answer";
    if (problem) {
        strcpy(child->space.error, problem);
        target_abandon(target);
        return false;
    }
    if (!target_map(target))
        return false;
    target_commit(target);
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

static void close_object(struct child *child, const struct port_event *request)
{
    const struct link *link = &child->target.link;
    struct module *module = module_list_find(link, request->word[1]);
    if (!module) {
        refuse(child, request, PORT_NOT_FOUND);
        return;
    }
    struct port_answer answer = {0};
    if (target_close(&child->target, module))
        answer = (struct port_answer){
            .word = {0, 1},
            .data = link->results.finalizers,
            .size = link->results.finalizer_count * sizeof *link->results.finalizers,
        };
    else if (*child->space.error)
        report(child->space.loader, "%s: what was closed stays: %s", child->name, child->space.error);
    port_reply(port_of(child), request->reply, PORT_OK, &answer);
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
    *space->error = 0;
    if (target->linked_elsewhere && !adopt_link(child)) {
        refuse_with_message(child, request);
        return;
    }
    switch (request->word[0]) {
    case LOADER_OPEN:
        open_object(child, request, text);
        break;
    case LOADER_CLOSE:
        close_object(child, request);
        break;
    case LOADER_SWEEP:
        sweep(child, request);
        break;
    case LOADER_SYMBOL:
        find_symbol(child, request, text);
        break;
    default:
        name_address(child, request);
    }
}
