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
        if (!version->name || !version->file)
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

bool closure_load(struct link *link)
{
    /* Breadth first: modules are appended to the very list that this walks. */
    for (struct module *module = link->results.fresh; module; module = module->next)
        for (uint64_t i = 0; i < module->needed_count && !link->ground.stopped; i++)
            module->needed[i] = modules_need(link, module, module->needed_names[i]);
    if (link->ground.failed)
        return false;
    for (struct module *module = link->results.fresh; module && !link->ground.stopped; module = module->next)
        check_versions(link, module);
    return !link->ground.failed;
}

bool closure_make(struct link *link, struct module *module)
{
    struct module **list = module->closure ? NULL : scratch_modules(link);
    if (!list)
        return module->closure;
    for (struct module *other = link->results.first; other; other = other->next)
        other->marked = false;
    uint64_t count = 0;
    list[count++] = module;
    module->marked = true;
    for (uint64_t at = 0; at < count; at++)
        for (uint64_t i = 0; i < list[at]->needed_count; i++) {
            struct module *needed = list[at]->needed[i];
            if (!needed->marked)
                list[count++] = needed;
            needed->marked = true;
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
