/* Objects that come and go while the program runs. */
#include <rtld/link.h>

#include "closure.h"
#include "drop.h"
#include "order.h"

struct module *link_open(struct link *link, const char *name, unsigned flags)
{
    call_begin(link);
    link->state.bind_first = flags & LINK_OPEN_DEEPBIND;
    link->state.lazy = flags & LINK_OPEN_LAZY;
    struct module *module = name ? modules_find(link, name) : link->results.first;
    if (!module && (flags & LINK_OPEN_LOADED)) {
        /* Perhaps under another name. */
        struct file_view file = {0};
        if (link->settings.host->open(link->settings.host->context, NULL, name, &file))
            module = modules_find_file(link, &file);
        if (!module) {
            ground_refuse_name(&link->ground, LINK_NOT_LOADED, "", name, NULL, NULL);
            return NULL;
        }
    }
    if (module && !modules_staying(link, NULL, module, name))
        return NULL;
    if (!module && (!(module = modules_need(link, NULL, name, false)) || (link->results.fresh && !closure_load(link))))
        return NULL;
    if (!closure_make(link, module))
        return NULL;
    module->opens++;
    if (flags & LINK_OPEN_KEEP)
        module->nodelete = true;
    if (flags & LINK_OPEN_GLOBAL)
        closure_join_global(link, module);
    for (struct module *fresh = link->results.fresh; fresh; fresh = fresh->next)
        if (fresh->wants_global)
            global_append(link, fresh);
    return module;
}

/* Mark what is in use: what came with the program, what is open or never goes, and all that those need. */
static bool mark_used(struct link *link)
{
    struct module **stack = scratch_modules(link);
    size_t depth = 0;
    if (!stack)
        return false;
    for (struct module *module = link->results.first; module; module = module->next) {
        module->marked = module->initial || module->opens || module->nodelete || module->pinned;
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
    call_begin(link);
    if (module->opens)
        module->opens--;
    if (module->opens || module->initial || !mark_used(link))
        return false;
    struct module **unloading = scratch_modules(link);
    struct module **sorted = scratch_modules(link);
    size_t count = 0;
    for (struct module *other = link->results.first; other && unloading; other = other->next)
        if (!other->marked && !other->unloading)
            unloading[count++] = other;
    if (!count || !sorted)
        return false;
    /* Those who stay search their own closure from now on, where they were loaded with one that goes. */
    for (size_t i = 0; i < count; i++)
        unloading[i]->unloading = true;
    for (struct module *other = link->results.first; other; other = other->next)
        if (!other->unloading && other->root->unloading) {
            other->root = other;
            if (!closure_make(link, other))
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
        module_drop(link, module);
    }
}

bool link_finish(struct link *link)
{
    call_begin(link);
    struct module **modules = scratch_modules(link);
    struct module **sorted = scratch_modules(link);
    size_t count = 0;
    for (struct module *module = link->results.first; module && modules; module = module->next)
        modules[count++] = module;
    return modules && sorted && order_sort(link, modules, count, true, sorted) && order_finalizers(link, sorted, count);
}
