/* The modules of a link. */
#include "modules.h"

#include <rtld/parse.h>

#include "bytes.h"
#include "cache_functions.h"
#include "name.h"
#include "psabi.h"

#define MODULES_MAX 4096

void *scratch_alloc(struct link *link, uint64_t count, size_t size)
{
    return arena_alloc(&link->ground, &link->state.scratch, count, size);
}

struct module **scratch_modules(struct link *link)
{
    return scratch_alloc(link, link->results.module_count, sizeof(struct module *));
}

void call_begin(struct link *link)
{
    struct link_results *results = &link->results;
    arena_free(&link->ground, &link->state.scratch);
    link->ground.failed = link->ground.stopped = false;
    link->ground.work = 0;
    results->initializers = results->finalizers = NULL;
    results->pending_ifuncs = NULL;
    results->initializer_count = results->own_initializer_count = results->finalizer_count = 0;
    results->pending_ifunc_count = link->state.pending_ifunc_limit = 0;
    link->state.searched = NULL;
    link->state.searched_count = 0;
    link->state.index = NULL;
}

struct module *modules_find(const struct link *link, const char *name)
{
    uint32_t hash = gabi_hash(name);
    for (struct module *module = link->results.first; module; module = module->next)
        if ((module->name_hash == hash && strcmp(module->name, name) == 0) ||
            (module->soname && module->soname_hash == hash && strcmp(module->soname, name) == 0))
            return module;
    return NULL;
}

struct module *modules_find_file(const struct link *link, const struct file_view *file)
{
    for (struct module *module = link->results.first; module; module = module->next)
        if ((file->bytes && module->file.bytes == file->bytes) || (file->file_id && module->file.file_id == file->file_id))
            return module;
    return NULL;
}

/* Whether a module may join; false after a report. */
static bool may_join(struct link *link, const struct module *module)
{
    const struct module *program = link->results.first;
    size_t count = link->results.module_count;
    if (!psabi_find(module->machine) || (program && module->machine != program->machine))
        return ground_refuse(&link->ground, LINK_WRONG_MACHINE, module->name, offsetof(struct elf_header, e_machine),
                             module->machine);
    if (program && (module->type != ET_DYN || module->pie))
        return ground_refuse(&link->ground, LINK_WRONG_TYPE, module->name, offsetof(struct elf_header, e_type), module->type);
    return count < MODULES_MAX || ground_refuse(&link->ground, LINK_TOO_MANY_MODULES, module->name, 0, count);
}

struct module *modules_add(struct link *link, const char *name, const struct file_view *file)
{
    struct link_results *results = &link->results;
    const struct link_cache_functions *cache = link->settings.cache_functions;
    uint64_t length = strlen(name);
    struct module *module = arena_alloc(&link->ground, &link->ground.arena, 1, sizeof *module);
    /* The caller's own may be gone, or say something else, while the module is still there. */
    char *own_name = arena_alloc(&link->ground, &link->ground.arena, length + 1, 1);
    if (!module || !own_name || !ground_pause(&link->ground))
        return NULL;
    memcpy(own_name, name, length);
    if (!results->first)
        link->ground.object = own_name;
    if (!(cache ? cache->parse(link, module, own_name, file) : module_parse(&link->ground, module, own_name, file)))
        return NULL;
    if (!may_join(link, module))
        return NULL;
    module->arena = link->ground.arena;
    module->arena->modules++;
    module->name_hash = gabi_hash(name);
    *(results->last ? &results->last->next : &results->first) = module;
    results->last = module;
    results->module_count++;
    if (!results->fresh)
        results->fresh = module;
    module->root = results->fresh == module ? module : results->fresh->root; /* filtees may have moved before the root */
    return module;
}

struct module *modules_staying(struct link *link, const struct module *referrer, struct module *found, const char *name)
{
    if (!found->unloading)
        return found;
    ground_refuse_name(&link->ground, LINK_UNLOADING, referrer ? referrer->name : "", name, NULL, NULL);
    return NULL;
}

struct module *modules_need(struct link *link, const struct module *referrer, const char *name, bool optional)
{
    struct module *found = modules_find(link, name);
    struct file_view file = {0};
    if (found)
        return modules_staying(link, referrer, found, name);
    if (!link->settings.host->open(link->settings.host->context, referrer, name, &file)) {
        if (!optional)
            ground_refuse_name(&link->ground, LINK_NOT_FOUND, referrer ? referrer->name : "", name, NULL, NULL);
        return NULL;
    }
    found = modules_find_file(link, &file);
    return found ? modules_staying(link, referrer, found, name) : modules_add(link, name, &file);
}

struct module **modules_fresh(struct link *link, size_t *count)
{
    struct module **modules = scratch_modules(link);
    *count = 0;
    for (struct module *module = link->results.fresh; module && modules; module = module->next)
        modules[(*count)++] = module;
    return modules;
}

void global_append(struct link *link, struct module *module)
{
    if (module->in_global)
        return;
    module->in_global = true;
    *(link->state.last_global ? &link->state.last_global->next_global : &link->state.global) = module;
    link->state.last_global = module;
}

void global_remove(struct link *link, struct module *module)
{
    struct module **at = &link->state.global, *last = NULL;
    while (*at && *at != module) {
        last = *at;
        at = &last->next_global;
    }
    if (!*at)
        return;
    *at = module->next_global;
    if (link->state.last_global == module)
        link->state.last_global = last;
}
