/* What a running program asks for. A handle is the lowest address of an object, which no other object has. */
#include "internal.h"

static uint64_t handle_of(const struct module *module)
{
    return module->bias + module->low;
}

static struct module *find_handle(const struct loader_process *process, uint64_t handle)
{
    struct module *module = process->target.link.results.first;
    while (module && handle_of(module) != handle)
        module = module->next;
    return module;
}

bool loader_open(struct loader_process *process, const char *name, unsigned flags, struct loader_opened *opened)
{
    struct target *target = &process->target;
    process->message[0] = 0;
    *opened = (struct loader_opened){0};
    if (!process->is_made) {
        process_log(process, "the process has ended", "");
        return false;
    }
    struct module *module = target_open(target, name, flags);
    if (!module)
        return false;
    const struct link_results *results = &target->link.results;
    if (results->fresh) {
        opened->first = results->fresh;
        opened->resolvers = results->pending_ifuncs;
        opened->resolver_count = results->pending_ifunc_count;
        opened->initializers = results->initializers;
        opened->initializer_count = results->initializer_count;
        if (!target_map(target))
            return false;
        target_commit(target);
    }
    opened->handle = handle_of(module);
    return true;
}

bool loader_symbol(struct loader_process *process, uint64_t handle, const char *name, struct link_symbol *found)
{
    const struct link *link = &process->target.link;
    const struct module *module = handle ? find_handle(process, handle) : NULL;
    /* Only what was opened has a closure to search. */
    if (handle && (!module || !module->closure))
        return false;
    return link_find(link, handle ? LINK_SCOPE_CLOSURE : LINK_SCOPE_DEFAULT, module, name, NULL, found);
}

bool loader_close(struct loader_process *process, uint64_t handle, const uint64_t **finalizers, size_t *count)
{
    const struct link_results *results = &process->target.link.results;
    struct module *module = handle ? find_handle(process, handle) : NULL;
    process->message[0] = 0;
    *finalizers = NULL;
    *count = 0;
    if (!module || !process->loader->port->memory_unmap || !target_close(&process->target, module))
        return false;
    *finalizers = results->finalizers;
    *count = results->finalizer_count;
    return true;
}

void loader_sweep(struct loader_process *process)
{
    target_sweep(&process->target);
}

bool loader_tls(const struct loader_process *process, uint64_t module_id, struct start_tls *tls)
{
    for (const struct module *module = process->target.link.results.first; module && module_id; module = module->next)
        if (module->tls_module == module_id) {
            *tls = (struct start_tls){
                .image = module->bias + module->tls_image,
                .image_size = module->tls_image_size,
                .size = module->tls_size,
                .align = module->tls_align,
                .offset = module->tls_is_static ? (uint64_t)-module->tls_offset : 0,
            };
            return true;
        }
    return false;
}
