/* Objects that come and go while the program runs. */
#include "internal.h"

bool runtime_depend(struct link *link, struct module *module, struct module *provider)
{
    if (provider->initial || provider == module || provider->nodelete)
        return true;
    for (uint64_t i = 0; i < module->needed_count; i++)
        if (module->needed[i] == provider)
            return true;
    for (struct dependence *known = module->dependences; known; known = known->next)
        if (known->module == provider)
            return true;
    struct dependence *fresh = arena_alloc(&link->ground, &module->arena, 1, sizeof *fresh);
    if (!fresh)
        return false;
    *fresh = (struct dependence){module->dependences, provider};
    module->dependences = fresh;
    return true;
}

bool runtime_closure(struct link *link, struct module *module)
{
    if (module->closure)
        return true;
    struct module **list = scratch_alloc(link, link->results.module_count, sizeof *list);
    if (!list)
        return false;
    for (struct module *other = link->results.first; other; other = other->next)
        other->marked = false;
    uint64_t count = 0;
    list[count++] = module;
    module->marked = true;
    for (uint64_t at = 0; at < count; at++)
        for (uint64_t i = 0; i < list[at]->needed_count; i++) {
            struct module *needed = list[at]->needed[i];
            if (!needed->marked) {
                needed->marked = true;
                list[count++] = needed;
            }
        }
    /* The preloaded objects belong to the program as if it needed them. */
    if (module == link->results.first)
        for (struct module *other = link->results.first; other; other = other->next)
            if (other->initial && !other->marked)
                list[count++] = other;
    module->closure = arena_alloc(&link->ground, &module->arena, count, sizeof *module->closure);
    if (!module->closure)
        return false;
    for (uint64_t i = 0; i < count; i++)
        module->closure[i] = list[i];
    module->closure_count = count;
    return true;
}

struct module *link_open(struct link *link, const char *name, unsigned flags)
{
    link_begin(link);
    link->state.bind_first = flags & LINK_OPEN_DEEPBIND;
    struct module *module = name ? link_find_module(link, name) : link->results.first;
    if (!module && (flags & LINK_OPEN_LOADED)) {
        /* Perhaps under another name. */
        struct file_view file = {0};
        if (link->settings.host->open(link->settings.host->context, NULL, name, &file))
            for (module = link->results.first; module && (!file.file_id || module->file.file_id != file.file_id);)
                module = module->next;
        if (!module) {
            ground_report(&link->ground, &(struct report){.error = LINK_NOT_LOADED, .object = "", .symbol = name});
            return NULL;
        }
    }
    if (!module && (!(module = link_need(link, NULL, name)) || (link->results.fresh && !link_load_needed(link))))
        return NULL;
    if (!runtime_closure(link, module))
        return NULL;
    module->opens++;
    if (flags & LINK_OPEN_KEEP)
        module->nodelete = true;
    if (flags & LINK_OPEN_GLOBAL)
        link_join_global(link, module);
    for (struct module *fresh = link->results.fresh; fresh; fresh = fresh->next)
        if (fresh->wants_global && !fresh->in_global)
            link_append_global(link, fresh);
    return module;
}

/* Mark what is in use: what came with the program, what is open or never goes, and all that those need. */
static bool mark_used(struct link *link)
{
    struct module **stack = scratch_alloc(link, link->results.module_count, sizeof *stack);
    size_t depth = 0;
    if (!stack)
        return false;
    for (struct module *module = link->results.first; module; module = module->next) {
        module->marked = module->initial || module->opens || module->nodelete;
        if (module->marked)
            stack[depth++] = module;
    }
    while (depth) {
        struct module *module = stack[--depth];
        for (uint64_t i = 0; i < module->needed_count; i++)
            if (!module->needed[i]->marked) {
                module->needed[i]->marked = true;
                stack[depth++] = module->needed[i];
            }
        for (struct dependence *other = module->dependences; other; other = other->next)
            if (!other->module->marked) {
                other->module->marked = true;
                stack[depth++] = other->module;
            }
    }
    return true;
}

bool link_close(struct link *link, struct module *module)
{
    link_begin(link);
    if (module->opens)
        module->opens--;
    if (module->opens || module->initial || !mark_used(link))
        return false;
    struct module **unloading = scratch_alloc(link, link->results.module_count, sizeof *unloading);
    struct module **sorted = scratch_alloc(link, link->results.module_count, sizeof *sorted);
    size_t count = 0;
    for (struct module *other = link->results.first; other && unloading; other = other->next)
        if (!other->marked)
            unloading[count++] = other;
    if (!count || !sorted)
        return false;
    /* Those who stay search their own closure from now on, where they were loaded with one that goes. */
    for (size_t i = 0; i < count; i++)
        unloading[i]->unloading = true;
    for (struct module *other = link->results.first; other; other = other->next)
        if (!other->unloading && other->root->unloading) {
            other->root = other;
            if (!runtime_closure(link, other))
                return false;
        }
    return order_sort(link, unloading, count, true, sorted) && order_finalizers(link, sorted, count);
}

void link_sweep(struct link *link)
{
    struct module **at = &link->results.first;
    link->results.last = NULL;
    while (*at) {
        struct module *module = *at;
        if (!module->unloading) {
            link->results.last = module;
            at = &module->next;
            continue;
        }
        *at = module->next;
        link_drop(link, module);
    }
}

bool link_finish(struct link *link)
{
    link_begin(link);
    struct module **modules = scratch_alloc(link, link->results.module_count, sizeof *modules);
    struct module **sorted = scratch_alloc(link, link->results.module_count, sizeof *sorted);
    size_t count = 0;
    for (struct module *module = link->results.first; module && modules; module = module->next)
        modules[count++] = module;
    return modules && sorted && order_sort(link, modules, count, true, sorted) && order_finalizers(link, sorted, count);
}

/* Whose scope a caller's default look-up ends with. */
static struct definition find_default(const struct link *link, const struct module *caller,
                                      const struct reference *reference, uint64_t *work)
{
    struct definition found = {0};
    for (struct module *module = link->state.global; module && !found.module; module = module->next_global)
        found = scope_search(&module, 1, reference, NULL, work);
    if (!found.module && caller)
        found = scope_search(caller->root->closure, caller->root->closure_count, reference, NULL, work);
    return found;
}

static struct definition find_next(const struct module *caller, const struct reference *reference, uint64_t *work)
{
    const struct module *root = caller->root;
    uint64_t at = 0;
    while (at < root->closure_count && root->closure[at] != caller)
        at++;
    if (at == root->closure_count)
        return (struct definition){0};
    return scope_search(root->closure + at + 1, root->closure_count - at - 1, reference, NULL, work);
}

bool link_find(const struct link *link, enum link_scope scope, const struct module *module, const char *name,
               const char *version, struct link_symbol *found)
{
    uint64_t work = 0, length = 0;
    while (name[length])
        length++;
    struct version wanted = {.name = version, .hash = version ? gabi_hash(version) : 0, .hidden = true};
    struct reference reference = {
        .name = symbol_name_of(name, length + 1),
        .version = version ? &wanted : NULL,
        .newest = true,
    };
    struct definition definition = {0};
    if (scope == LINK_SCOPE_DEFAULT)
        definition = find_default(link, module, &reference, &work);
    else if (scope == LINK_SCOPE_NEXT)
        definition = find_next(module, &reference, &work);
    else
        definition = scope_search(module->closure, module->closure_count, &reference, NULL, &work);
    if (!definition.module)
        return false;
    const struct elf_symbol *symbol = definition.symbol;
    bool plain = symbol->st_shndx == SHN_ABS || (symbol->st_info & 15) == STT_TLS;
    *found = (struct link_symbol){definition.module, symbol, symbol->st_value + (plain ? 0 : definition.module->bias)};
    return true;
}

const struct module *link_module_at(const struct link *link, uint64_t address)
{
    for (const struct module *module = link->results.first; module; module = module->next)
        if (module_segment(module, address - module->bias))
            return module;
    return NULL;
}
