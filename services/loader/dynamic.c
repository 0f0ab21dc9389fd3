/* Requests of a process about its own objects: what dlopen and its relatives in libc ask for. The work is done here,
 * for the other address space; what must run in it (resolvers, constructors) is told in the reply. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <string.h>
#include <system/call.h>

#include "loader.h"

_Static_assert((int)LOADER_OPEN_GLOBAL == LINK_OPEN_GLOBAL && (int)LOADER_OPEN_LOADED == LINK_OPEN_LOADED &&
                   (int)LOADER_OPEN_KEEP == LINK_OPEN_KEEP && (int)LOADER_OPEN_DEEPBIND == LINK_OPEN_DEEPBIND,
               "flags are handed on");

/* One request is answered at a time. */
static uint64_t answer_data[LOADER_REPLY_MAX / sizeof(uint64_t)];

static void refuse_with_message(struct remote *remote, handle_t reply)
{
    struct message answer = {.data = remote->error, .size = strlen(remote->error) + 1};
    ipc_answer(reply, STATUS_NOT_FOUND, &answer);
}

/* Initializers, resolvers, ranges; false: they do not fit into an answer. */
static bool fill_opened(struct remote *remote, struct loader_opened *opened, uint64_t *size)
{
    const struct link *link = &remote->link;
    start_resolvers_size(link, &opened->relro_count);
    opened->initializer_count = link->results.initializer_count;
    opened->resolver_count = link->results.pending_ifunc_count;
    uint64_t initializers = link->results.initializer_count * sizeof(uint64_t);
    uint64_t resolvers = link->results.pending_ifunc_count * sizeof(struct start_resolver);
    *size = initializers + resolvers + opened->relro_count * sizeof(struct start_range);
    if (*size > sizeof answer_data)
        return false;
    uint8_t *at = (uint8_t *)answer_data;
    memcpy(at, link->results.initializers, initializers);
    start_resolvers_fill(link, (struct start_resolver *)(at + initializers),
                          (struct start_range *)(at + initializers + resolvers));
    return true;
}

static bool take_in(struct child *child, struct loader_opened *opened, uint64_t *size)
{
    struct remote *remote = &child->remote;
    const char *problem = NULL;
    if (!fill_opened(remote, opened, size))
        problem = "too many constructors and indirect functions for one answer";
    else if (!remote_commit(remote) || !start_block_extend(remote))
        problem = "no memory to map it";
    if (problem) {
        strcpy(remote->error, problem);
        return false;
    }
    link_commit(&remote->link);
    child_forget_modules(child);
    return true;
}

static void open_object(struct child *child, const struct message *request, const char *name, handle_t reply)
{
    struct remote *remote = &child->remote;
    struct loader_opened opened = {0};
    uint64_t size = 0;
    struct module *module = remote_open(remote, name, (unsigned)request->word[1]);
    if (!module || (remote->link.results.fresh && !take_in(child, &opened, &size))) {
        link_abandon(&remote->link);
        remote_close_windows(remote);
        refuse_with_message(remote, reply);
        return;
    }
    remote_close_windows(remote);
    opened.handle = module_list_address(module);
    struct message answer = {.data = answer_data, .size = size};
    memcpy(answer.word + 1, &opened, sizeof opened);
    ipc_answer(reply, STATUS_OK, &answer);
}

static void close_object(struct child *child, uint64_t handle, handle_t reply)
{
    struct link *link = &child->remote.link;
    struct module *module = module_list_find(&child->remote.link, handle);
    if (!module) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    struct message answer = {0};
    if (link_close(link, module))
        answer = (struct message){
            .word = {0, 1},
            .data = link->results.finalizers,
            .size = link->results.finalizer_count * sizeof *link->results.finalizers,
        };
    ipc_answer(reply, STATUS_OK, &answer);
}

static void find_symbol(struct child *child, const struct message *request, const char *name, handle_t reply)
{
    struct remote *remote = &child->remote;
    uint64_t scope = request->word[1], where = request->word[2], length = strlen(name) + 1;
    const char *version = length < request->size ? name + length : NULL;
    const struct module *module = scope == LOADER_SCOPE_CLOSURE ? module_list_find(&remote->link, where)
                                                              : link_module_at(&remote->link, where);
    struct link_symbol found;
    /* Only what was opened has a closure to search. */
    if (scope > LOADER_SCOPE_CLOSURE || (!module && scope != LOADER_SCOPE_DEFAULT) ||
        (scope == LOADER_SCOPE_CLOSURE && !module->closure) ||
        !link_find(&remote->link, (enum link_scope)scope, module, name, version, &found)) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    unsigned type = found.symbol->st_info & 15;
    struct loader_symbol symbol = {
        .address = found.address,
        .module = type == STT_TLS ? found.module->tls_module : 0,
        .indirect = type == STT_GNU_IFUNC,
    };
    struct message answer = {0};
    memcpy(answer.word + 1, &symbol, sizeof symbol);
    ipc_answer(reply, STATUS_OK, &answer);
}

static void name_address(struct child *child, uint64_t address, handle_t reply)
{
    const struct module *module = link_module_at(&child->remote.link, address);
    if (!module) {
        ipc_answer(reply, STATUS_NOT_FOUND, NULL);
        return;
    }
    struct message answer = {.word = {0, module_list_address(module)}};
    const struct elf_symbol *symbol = module_symbol_at(module, address - module->bias);
    if (symbol) {
        /* The name as the process has it, in its own mapping of the string table. */
        answer.word[2] = module->bias + module->strings.address + symbol->st_name;
        answer.word[3] = module->bias + symbol->st_value;
    }
    ipc_answer(reply, STATUS_OK, &answer);
}

void dynamic_request(struct child *child, const struct message *request, const char *text, handle_t reply)
{
    adopt_refresh(child);
    if (!child->remote.process || !child->remote.list) {
        ipc_answer(reply, STATUS_INVALID, NULL);
        return;
    }
    if (child->remote.is_strange && !adopt_link(child)) {
        refuse_with_message(&child->remote, reply);
        return;
    }
    switch (request->word[0]) {
    case LOADER_OPEN:
        open_object(child, request, text, reply);
        break;
    case LOADER_CLOSE:
        close_object(child, request->word[1], reply);
        break;
    case LOADER_SWEEP:
        link_sweep(&child->remote.link);
        child_forget_modules(child);
        ipc_answer(reply, STATUS_OK, NULL);
        break;
    case LOADER_SYMBOL:
        find_symbol(child, request, text, reply);
        break;
    default:
        name_address(child, request->word[1], reply);
    }
}
