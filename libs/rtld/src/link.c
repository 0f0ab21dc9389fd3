/* The phases of a link. */
#include <rtld/link.h>
#include <string.h>

#include "internal.h"

#define MODULES_MAX 4096

void link_init(struct link *link, const struct link_host *host)
{
    memset(link, 0, sizeof *link);
    link->host = host;
}

void link_begin(struct link *link)
{
    arena_free(link, &link->scratch);
    link->failed = link->stopped = false;
    link->work = 0;
    link->initializers = link->finalizers = NULL;
    link->resolvers = NULL;
    link->own_initializer_count = 0;
    link->initializer_count = link->finalizer_count = link->resolver_count = link->resolver_limit = 0;
    link->searched = NULL;
    link->searched_count = 0;
    link->index = NULL;
}

bool link_report(struct link *link, const struct diagnostic *diagnostic)
{
    link->failed = true;
    if (!link->stopped && !link->host->report(link->host->context, diagnostic))
        link->stopped = true;
    return false;
}

bool link_refuse(struct link *link, enum link_error error, const struct module *module, const char *symbol,
                 uint64_t offset, uint64_t value)
{
    return link_report(link, &(struct diagnostic){.error = error, .object = module ? module->name : "", .symbol = symbol,
                                                  .offset = offset, .value = value});
}

bool link_work(struct link *link, const struct module *module, uint64_t steps)
{
    link->work += steps;
    if (link->work <= LINK_WORK_MAX)
        return true;
    link_refuse(link, LINK_TOO_MUCH_WORK, module, NULL, 0, link->work);
    link->stopped = true;
    return false;
}

static bool read_needed(struct link *link, struct module *module)
{
    module->needed_names = arena_alloc(link, &link->arena, module->needed_count, sizeof *module->needed_names);
    module->needed = arena_alloc(link, &link->arena, module->needed_count, sizeof *module->needed);
    if (!module->needed_names || !module->needed)
        return false;
    uint64_t count = 0;
    /* module_parse saw the end of this table, and as many DT_NEEDED entries. */
    for (uint64_t at = module->dynamic_address; count < module->needed_count; at += sizeof(struct elf_dynamic)) {
        const struct elf_dynamic *entry = module_data(module, at, sizeof *entry, 8);
        if (entry->d_tag != DT_NEEDED)
            continue;
        const char *name = module_string(module, entry->d_value);
        if (!name)
            return link_refuse(link, LINK_BAD_DYNAMIC, module, NULL, at, DT_NEEDED);
        module->needed_names[count++] = name;
    }
    return true;
}

void link_append_global(struct link *link, struct module *module)
{
    module->in_global = true;
    *(link->last_global ? &link->last_global->next_global : &link->global) = module;
    link->last_global = module;
}

static bool read_module(struct link *link, struct module *module, const char *name, const struct file_view *file)
{
    const struct module *known = known_file(link, file);
    if (known)
        return known_read(link, module, name, file, known);
    if (!module_parse(link, module, name, file) || !read_needed(link, module))
        return false;
    module->soname_hash = module->soname ? gabi_hash(module->soname) : 0;
    return known_keep(link, module);
}

static struct module *add_module(struct link *link, const char *name, const struct file_view *file)
{
    struct module *module = arena_alloc(link, &link->arena, 1, sizeof *module);
    /* The caller's own may be gone, or say something else, while the module is still there. */
    char *own_name = arena_alloc(link, &link->arena, strlen(name) + 1, 1);
    if (!module || !own_name)
        return NULL;
    memcpy(own_name, name, strlen(name));
    if (!read_module(link, module, own_name, file))
        return NULL;
    module->arena = link->arena;
    if (!machine_find(module->machine) || (link->first && module->machine != link->first->machine)) {
        link_refuse(link, LINK_WRONG_MACHINE, module, NULL, offsetof(struct elf_header, e_machine), module->machine);
        return NULL;
    }
    if (link->first && (module->type != ET_DYN || module->pie)) {
        link_refuse(link, LINK_WRONG_TYPE, module, NULL, offsetof(struct elf_header, e_type), module->type);
        return NULL;
    }
    if (link->module_count >= MODULES_MAX) {
        link_refuse(link, LINK_TOO_MANY, module, NULL, 0, link->module_count);
        return NULL;
    }
    module->name_hash = gabi_hash(name);
    *(link->last ? &link->last->next : &link->first) = module;
    link->last = module;
    link->module_count++;
    link->arena->modules++;
    if (!link->fresh)
        link->fresh = module;
    module->root = link->fresh;
    return module;
}

struct module *link_find_module(const struct link *link, const char *name)
{
    uint32_t hash = gabi_hash(name);
    for (struct module *module = link->first; module; module = module->next)
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
    if (!link->host->open(link->host->context, referrer, name, &file)) {
        link_refuse(link, LINK_NOT_FOUND, referrer, name, 0, 0);
        return NULL;
    }
    for (found = link->first; found; found = found->next)
        if (found->file.bytes == file.bytes || (file.cookie && found->file.cookie == file.cookie))
            return found;
    return add_module(link, name, &file);
}

bool link_load_needed(struct link *link)
{
    /* Breadth first: modules are appended to the very list that this walks. */
    for (struct module *module = link->fresh; module; module = module->next)
        for (uint64_t i = 0; i < module->needed_count && !link->stopped; i++)
            module->needed[i] = link_need(link, module, module->needed_names[i]);
    if (link->failed)
        return false;
    for (struct module *module = link->fresh; module && !link->stopped; module = module->next)
        module_check_versions(link, module);
    return !link->failed;
}

bool link_load(struct link *link, const char *name, const struct file_view *file)
{
    link_begin(link);
    if (!add_module(link, name, file))
        return false;
    for (size_t i = 0; i < link->preload_count && !link->stopped; i++)
        link_need(link, NULL, link->preload[i]);
    if (link->failed || !link_load_needed(link))
        return false;
    for (struct module *module = link->first; module; module = module->next) {
        module->started = true;
        link_append_global(link, module);
    }
    return runtime_closure(link, link->first);
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
        segment->window = link->host->window(link->host->context, module, segment, &filled);
        if (!segment->window)
            return link_refuse(link, LINK_NO_MEMORY, module, NULL, segment->file_offset, segment->pages_size);
        if (filled)
            continue;
        memcpy(segment->window + (segment->address - segment->page_address), segment->data, segment->file_size);
    }
    return true;
}

bool link_place(struct link *link)
{
    for (struct module *module = link->fresh; module; module = module->next) {
        module->bias = 0;
        if (module->type == ET_DYN && !link->host->place(link->host->context, module, &module->bias))
            return link_refuse(link, LINK_NO_PLACE, module, NULL, 0, module->high - module->low);
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
    for (size_t i = fresh ? count : 0; i-- > 0 && !link->stopped;)
        good &= fresh[i]->file.in_place || module_relocate(link, fresh[i]);
    /* Copies are made of finished data. */
    for (size_t i = 0; good && i < count && !link->stopped; i++)
        good &= !fresh[i]->has_copies || module_relocate_copies(link, fresh[i]);
    return good && !link->failed && relocate_resolvers(link);
}

bool link_relocate(struct link *link)
{
    bool good = !link->fresh || relocate_fresh(link);
    /* The largest of what is needed for a short time: a host with many links would keep as many. */
    arena_free(link, &link->index_arena);
    link->index = NULL;
    return good;
}

void link_commit(struct link *link)
{
    for (struct module *module = link->fresh; module; module = module->next) {
        module->committed = true;
        for (unsigned i = 0; i < module->segment_count; i++)
            module->segments[i].window = NULL;
    }
    link->fresh = NULL;
    link->arena = NULL;
    link->bind_first = false;
}

static void unlink_global(struct link *link, struct module *module)
{
    struct module **at = &link->global, *last = NULL;
    while (*at && *at != module) {
        last = *at;
        at = &last->next_global;
    }
    if (!*at)
        return;
    *at = module->next_global;
    if (link->last_global == module)
        link->last_global = last;
}

void link_drop(struct link *link, struct module *module)
{
    struct arena *arena = module->arena;
    unlink_global(link, module);
    scope_forget_unique(link, module);
    if (module->tls_module)
        link->tls_generation++;
    if (module->tls_is_static)
        tls_give_back(link, module);
    if (link->host->drop)
        link->host->drop(link->host->context, module);
    link->module_count--;
    if (--arena->modules == 0)
        arena_free(link, &arena);
}

void link_abandon(struct link *link)
{
    struct module **at = &link->first;
    link->last = NULL;
    while (*at && *at != link->fresh) {
        link->last = *at;
        at = &(*at)->next;
    }
    *at = NULL;
    for (struct module *module = link->fresh, *next; module; module = next) {
        next = module->next;
        if (module->arena == link->arena && link->arena->modules == 1)
            link->arena = NULL; /* goes with its last module */
        link_drop(link, module);
    }
    if (link->arena)
        arena_free(link, &link->arena); /* the file that was refused never became an module */
    link->fresh = NULL;
    link->bind_first = false;
    arena_free(link, &link->scratch);
}

void link_end(struct link *link)
{
    if (link->fresh)
        link_commit(link);
    link->fresh = link->first;
    link_abandon(link);
}

void link_set_debugger(struct link *link, uint64_t address)
{
    void *word = link->first->debug_address ? module_window(link->first, link->first->debug_address, sizeof address) : NULL;
    if (word)
        set_word(word, address);
}

uint64_t link_entry(const struct link *link)
{
    return link->first->bias + link->first->entry;
}
