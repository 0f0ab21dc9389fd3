/* The phases of a link. */
#include <rtld/link.h>
#include <string.h>

#include "internal.h"

#define MODULES_MAX 4096

void link_init(struct link *link, const struct link_host *host)
{
    *link = (struct link){0};
    link->settings.host = host;
    link->ground = (struct ground){host->context, host->memory, host->release, host->report, .object = ""};
}

void link_begin(struct link *link)
{
    arena_free(&link->ground, &link->state.scratch);
    link->ground.failed = link->ground.stopped = false;
    link->ground.work = 0;
    link->results.initializers = link->results.finalizers = NULL;
    link->results.pending_ifuncs = NULL;
    link->results.own_initializer_count = 0;
    link->results.initializer_count = link->results.finalizer_count = link->results.pending_ifunc_count = link->state.pending_ifunc_limit = 0;
    link->state.searched = NULL;
    link->state.searched_count = 0;
    link->state.index = NULL;
}

void *scratch_alloc(struct link *link, uint64_t count, size_t size)
{
    return arena_alloc(&link->ground, &link->state.scratch, count, size);
}

void link_append_global(struct link *link, struct module *module)
{
    module->in_global = true;
    *(link->state.last_global ? &link->state.last_global->next_global : &link->state.global) = module;
    link->state.last_global = module;
}

static bool parse(struct link *link, struct module *module, const char *name, const struct file_view *file)
{
    const struct link_cache_functions *cache = link->settings.cache_functions;
    return cache ? cache->parse(link, module, name, file) : module_parse(&link->ground, module, name, file);
}

static struct module *add_module(struct link *link, const char *name, const struct file_view *file)
{
    struct module *module = arena_alloc(&link->ground, &link->ground.arena, 1, sizeof *module);
    /* The caller's own may be gone, or say something else, while the module is still there. */
    char *own_name = arena_alloc(&link->ground, &link->ground.arena, strlen(name) + 1, 1);
    if (!module || !own_name)
        return NULL;
    memcpy(own_name, name, strlen(name));
    if (!link->results.first)
        link->ground.object = own_name;
    if (!parse(link, module, own_name, file))
        return NULL;
    module->arena = link->ground.arena;
    if (!machine_find(module->machine) || (link->results.first && module->machine != link->results.first->machine)) {
        ground_refuse(&link->ground, LINK_WRONG_MACHINE, module->name, offsetof(struct elf_header, e_machine), module->machine);
        return NULL;
    }
    if (link->results.first && (module->type != ET_DYN || module->pie)) {
        ground_refuse(&link->ground, LINK_WRONG_TYPE, module->name, offsetof(struct elf_header, e_type), module->type);
        return NULL;
    }
    if (link->results.module_count >= MODULES_MAX) {
        ground_refuse(&link->ground, LINK_TOO_MANY, module->name, 0, link->results.module_count);
        return NULL;
    }
    module->name_hash = gabi_hash(name);
    *(link->results.last ? &link->results.last->next : &link->results.first) = module;
    link->results.last = module;
    link->results.module_count++;
    link->ground.arena->modules++;
    if (!link->results.fresh)
        link->results.fresh = module;
    module->root = link->results.fresh;
    return module;
}

struct module *link_find_module(const struct link *link, const char *name)
{
    uint32_t hash = gabi_hash(name);
    for (struct module *module = link->results.first; module; module = module->next)
        if ((module->name_hash == hash && strcmp(module->name, name) == 0) ||
            (module->soname && module->soname_hash == hash && strcmp(module->soname, name) == 0))
            return module;
    return NULL;
}

/* The module of a name: already there, under this name or another, or opened now. */
struct module *link_need(struct link *link, const struct module *referrer, const char *name)
{
    struct module *found = link_find_module(link, name);
    if (found)
        return found;
    struct file_view file = {0};
    if (!link->settings.host->open(link->settings.host->context, referrer, name, &file)) {
        ground_report(&link->ground, &(struct report){
            .error = LINK_NOT_FOUND,
            .object = referrer ? referrer->name : "",
            .symbol = name,
        });
        return NULL;
    }
    for (found = link->results.first; found; found = found->next)
        if (found->file.bytes == file.bytes || (file.file_id && found->file.file_id == file.file_id))
            return found;
    return add_module(link, name, &file);
}

static const struct version *definition_of(const struct module *module, const struct version *wanted)
{
    for (uint32_t i = 0; i < module->version_count; i++) {
        const struct version *version = &module->versions[i];
        if (version->name && !version->file && version->hash == wanted->hash && text_equal(version->name, wanted->name))
            return version;
    }
    return NULL;
}

bool module_check_versions(struct link *link, struct module *module)
{
    bool good = true;
    const struct module *provider = NULL;
    const char *file = NULL;
    for (uint32_t i = 0; i < module->version_count && !link->ground.stopped; i++) {
        struct version *version = &module->versions[i];
        if (!version->name || !version->file)
            continue;
        if (version->file != file) {
            file = version->file;
            provider = link_find_module(link, file);
        }
        if (!ground_work(&link->ground, module, provider ? provider->version_count : 0))
            return false;
        /* A provider without any versions is taken as it is, as if built before there were any. */
        if (!provider || !provider->verdef.count)
            continue;
        version->definition = definition_of(provider, version);
        if (version->definition || version->weak)
            continue;
        good = ground_report(&link->ground, &(struct report){.error = LINK_NO_VERSION, .object = module->name,
                                                      .version = version->name, .provider = provider->name});
    }
    return good;
}

bool link_load_needed(struct link *link)
{
    /* Breadth first: modules are appended to the very list that this walks. */
    for (struct module *module = link->results.fresh; module; module = module->next)
        for (uint64_t i = 0; i < module->needed_count && !link->ground.stopped; i++)
            module->needed[i] = link_need(link, module, module->needed_names[i]);
    if (link->ground.failed)
        return false;
    for (struct module *module = link->results.fresh; module && !link->ground.stopped; module = module->next)
        module_check_versions(link, module);
    return !link->ground.failed;
}

bool link_load(struct link *link, const char *name, const struct file_view *file)
{
    link_begin(link);
    if (!add_module(link, name, file))
        return false;
    for (size_t i = 0; i < link->settings.preload_count && !link->ground.stopped; i++)
        link_need(link, NULL, link->settings.preload[i]);
    if (link->ground.failed || !link_load_needed(link))
        return false;
    for (struct module *module = link->results.first; module; module = module->next) {
        module->initial = true;
        link_append_global(link, module);
    }
    return runtime_closure(link, link->results.first);
}

void link_join_global(struct link *link, struct module *root)
{
    for (uint64_t i = 0; i < root->closure_count; i++)
        if (!root->closure[i]->in_global)
            link_append_global(link, root->closure[i]);
}

static bool fill_windows(struct link *link, struct module *module)
{
    for (unsigned i = 0; i < module->segment_count; i++) {
        struct segment *segment = &module->segments[i];
        if (!(segment->flags & PF_W))
            continue;
        bool filled = module->file.in_place;
        segment->staging = link->settings.host->stage(link->settings.host->context, module, segment, &filled);
        if (!segment->staging)
            return ground_refuse(&link->ground, LINK_NO_MEMORY, module->name, segment->file_offset, segment->pages_size);
        if (filled)
            continue;
        memcpy(segment->staging + (segment->address - segment->page_address), segment->data, segment->file_size);
    }
    return true;
}

bool link_place(struct link *link)
{
    for (struct module *module = link->results.fresh; module; module = module->next) {
        module->bias = 0;
        if (module->type == ET_DYN && !link->settings.host->place(link->settings.host->context, module, &module->bias))
            return ground_refuse(&link->ground, LINK_NO_PLACE, module->name, 0, module->high - module->low);
        if (!fill_windows(link, module))
            return false;
    }
    return true;
}

static bool relocate_fresh(struct link *link)
{
    tls_lay_out(link);
    if (!scope_prepare(link))
        return false;
    size_t count;
    struct module **fresh = link_fresh_modules(link, &count);
    bool good = fresh;
    /* From the last to the first, as glibc goes: so that of several STB_GNU_UNIQUE definitions the same one wins. */
    for (size_t i = fresh ? count : 0; i-- > 0 && !link->ground.stopped;)
        good &= fresh[i]->file.in_place || module_relocate(link, fresh[i]);
    /* Copies are made of finished data. */
    for (size_t i = 0; good && i < count && !link->ground.stopped; i++)
        good &= !fresh[i]->has_copies || module_relocate_copies(link, fresh[i]);
    return good && !link->ground.failed && relocate_resolvers(link);
}

bool link_relocate(struct link *link)
{
    bool good = !link->results.fresh || relocate_fresh(link);
    /* The largest of what is needed for a short time: a host with many links would keep as many. */
    arena_free(&link->ground, &link->state.index_arena);
    link->state.index = NULL;
    return good;
}

void link_commit(struct link *link)
{
    for (struct module *module = link->results.fresh; module; module = module->next) {
        module->committed = true;
        for (unsigned i = 0; i < module->segment_count; i++)
            module->segments[i].staging = NULL;
    }
    link->results.fresh = NULL;
    link->ground.arena = NULL;
    link->state.bind_first = false;
}

static void unlink_global(struct link *link, struct module *module)
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

void link_drop(struct link *link, struct module *module)
{
    struct arena *arena = module->arena;
    unlink_global(link, module);
    scope_forget_unique(link, module);
    if (module->tls_module)
        link->results.tls_generation++;
    if (module->tls_is_static)
        tls_give_back(link, module);
    if (link->settings.host->drop)
        link->settings.host->drop(link->settings.host->context, module);
    link->results.module_count--;
    if (--arena->modules == 0)
        arena_free(&link->ground, &arena);
}

void link_abandon(struct link *link)
{
    struct module **at = &link->results.first;
    link->results.last = NULL;
    while (*at && *at != link->results.fresh) {
        link->results.last = *at;
        at = &(*at)->next;
    }
    *at = NULL;
    for (struct module *module = link->results.fresh, *next; module; module = next) {
        next = module->next;
        if (module->arena == link->ground.arena && link->ground.arena->modules == 1)
            link->ground.arena = NULL; /* goes with its last module */
        link_drop(link, module);
    }
    if (link->ground.arena)
        arena_free(&link->ground, &link->ground.arena); /* the file that was refused never became an module */
    link->results.fresh = NULL;
    link->state.bind_first = false;
    arena_free(&link->ground, &link->state.scratch);
}

void link_end(struct link *link)
{
    if (link->results.fresh)
        link_commit(link);
    link->results.fresh = link->results.first;
    link_abandon(link);
}

void link_set_debugger(struct link *link, uint64_t address)
{
    void *word = link->results.first->debug_address ? module_staged(link->results.first, link->results.first->debug_address, sizeof address) : NULL;
    if (word)
        set_word(word, address);
}

uint64_t link_entry(const struct link *link)
{
    return link->results.first->bias + link->results.first->entry;
}
