/* What an object needs. */
#include "closure.h"

#include "version.h"

static const struct version *definition_of(const struct module *module, const struct version *wanted)
{
    for (uint32_t i = 0; i < module->version_count; i++) {
        const struct version *version = &module->versions[i];
        if (version->name && !version->file && version_equal(version, wanted))
            return version;
    }
    return NULL;
}

/* Whether those that a module needs versions of define them. */
static void check_versions(struct link *link, struct module *module)
{
    const struct module *provider = NULL;
    const char *file = NULL;
    for (uint32_t i = 0; i < module->version_count && !link->ground.stopped; i++) {
        struct version *version = &module->versions[i];
        if (!version->name || !version->file || !ground_pause(&link->ground))
            continue;
        if (version->file != file) {
            file = version->file;
            provider = modules_find(link, file);
        }
        /* A provider without any versions is taken as it is, as if built before there were any. */
        if (!provider || !provider->verdef.count || !ground_work(&link->ground, module->name, provider->version_count))
            continue;
        version->definition = definition_of(provider, version);
        if (!version->definition && !version->weak)
            ground_refuse_name(&link->ground, LINK_NO_VERSION, module->name, NULL, version->name, provider->name);
    }
}

/* A filtee is searched before its filter: if it lies behind it in the order of loading, it moves there. */
static void move_before(struct link *link, const struct module *filter, struct module *filtee)
{
    struct link_results *results = &link->results;
    struct module **place = &results->first, **at, *last = NULL;
    while (*place != filter)
        place = &(*place)->next;
    for (at = place; *at && *at != filtee; at = &(*at)->next)
        last = *at;
    /* It comes before, or is the filter itself; or the filter is the program, which stays the first. */
    if (!*at || filtee == filter || place == &results->first)
        return;
    *at = filtee->next;
    if (results->last == filtee)
        results->last = last;
    filtee->next = *place;
    *place = filtee;
    if (results->fresh == filter)
        results->fresh = filtee;
}

/* After a failure the module is as it was, but for what of `needed` is not looked at. */
static void load_needed(struct link *link, struct module *module)
{
    uint64_t count = 0, absent = 0, filters = module->filter_count;
    uint64_t auxiliary = module->filter_first + filters - module->auxiliary_count;
    for (uint64_t i = 0; i < module->needed_count && !link->ground.stopped; i++) {
        bool is_filtee = i - module->filter_first < filters, optional = is_filtee && i >= auxiliary;
        struct module *needed = modules_need(link, module, module->needed_names[i], optional);
        if (!needed && optional) {
            absent++;
            continue;
        }
        module->needed[count++] = needed;
        if (needed && is_filtee)
            move_before(link, module, needed);
    }
    if (link->ground.failed)
        return;
    module->has_needed = true;
    module->needed_count = count;
    module->filter_count -= (uint32_t)absent;
    module->auxiliary_count = 0;
}

bool closure_load(struct link *link)
{
    /* Breadth first: modules are appended to the very list that this walks, or put before the walked one. */
    for (struct module *module = link->results.fresh; module && !link->ground.stopped;) {
        bool is_new = !module->has_needed;
        if (is_new)
            load_needed(link, module);
        module = is_new && module->has_needed && module->filter_count ? link->results.fresh : module->next;
    }
    if (link->ground.failed)
        return false;
    for (struct module *module = link->results.fresh; module && !link->ground.stopped; module = module->next)
        check_versions(link, module);
    return !link->ground.failed;
}

/* Put the filtees of list[at] before it, and what else it needs to the end. The new count. */
static uint64_t append_needed(struct module **list, uint64_t at, uint64_t count)
{
    const struct module *module = list[at];
    for (uint64_t i = 0; i < module->needed_count; i++) {
        struct module *needed = module->needed[i];
        bool is_filtee = i - module->filter_first < module->filter_count;
        uint64_t from = at;
        if (!needed->marked)
            list[count++] = needed;
        else if (!is_filtee)
            continue;
        needed->marked = true;
        while (from < count && list[from] != needed)
            from++;
        if (!is_filtee || from == count) /* it comes before */
            continue;
        for (; from > at; from--)
            list[from] = list[from - 1];
        list[at++] = needed;
    }
    return count;
}

bool closure_make(struct link *link, struct module *module)
{
    struct module **list = module->closure ? NULL : scratch_modules(link);
    if (!list)
        return module->closure;
    for (struct module *other = link->results.first; other; other = other->next)
        other->marked = other->visited = false;
    uint64_t count = 1, at = 0;
    list[0] = module;
    module->marked = true;
    while (at < count) {
        bool is_new = !list[at]->visited;
        list[at]->visited = true;
        if (is_new)
            count = append_needed(list, at, count); /* what is at `at` now may be new, too */
        else
            at++;
    }
    /* The preloaded objects belong to the program as if it needed them. */
    if (module == link->results.first)
        for (struct module *other = module; other; other = other->next)
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

void closure_join_global(struct link *link, struct module *root)
{
    for (uint64_t i = 0; i < root->closure_count; i++)
        global_append(link, root->closure[i]);
}

bool closure_depend(struct link *link, struct module *module, struct module *provider)
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
