/* What earlier links left. A library is parsed once. It finds the same definitions in each program that has the
 * same libraries in the same order, but for names that the program defines itself: its filter tells that it does not. */
#include <string.h>

#include <rtld/cache.h>

#include "relocate.h"

#define ENTRIES_MAX (1u << 16) /* of a library's tables that may name symbols */
#define RECORDS_MAX 512 /* of libraries, over all scopes: who opens more has them read and bound afresh */

struct cached_file {
    struct cached_file *next;
    struct module module; /* before any link added to it */
};

/* The libraries that were searched after a program, by where their files' bytes lie. */
struct cached_scope {
    struct cached_scope *next;
    struct cached_module *modules;
    size_t count;
    const uint8_t *files[];
};

/* NULL: no other link has parsed it. */
static const struct module *find_file(const struct link *link, const struct file_view *file)
{
    const struct cached_file *cached = link->settings.cache->files;
    while (cached && (cached->module.file.bytes != file->bytes || cached->module.file.size != file->size))
        cached = cached->next;
    return cached ? &cached->module : NULL;
}

static void *copy_table(struct link *link, struct arena **arena, const void *table, uint64_t count, size_t size)
{
    void *copied = arena_alloc(&link->ground, arena, count, size);
    return copied && count ? memcpy(copied, table, count * size) : copied;
}

/* With tables of its own, as links write into some. */
static bool copy(struct link *link, struct arena **arena, struct module *to, const struct module *from)
{
    *to = *from;
    to->segments = copy_table(link, arena, from->segments, from->segment_count, sizeof *to->segments);
    to->versions = copy_table(link, arena, from->versions, from->version_count, sizeof *to->versions);
    to->needed_names = copy_table(link, arena, from->needed_names, from->needed_count, sizeof *to->needed_names);
    to->needed = copy_table(link, arena, from->needed, from->needed_count, sizeof *to->needed);
    return to->segments && to->versions && to->needed_names && to->needed;
}

static bool keep(struct link *link, const struct module *module)
{
    struct link_cache *cache = link->settings.cache;
    /* A program seldom comes again. */
    if (!link->results.first || cache->records >= RECORDS_MAX)
        return true;
    struct cached_file *record = arena_alloc(&link->ground, &cache->arena, 1, sizeof *record);
    if (!record || !copy(link, &cache->arena, &record->module, module))
        return false;
    record->next = cache->files;
    cache->files = record;
    cache->records++;
    return true;
}

static bool parse(struct link *link, struct module *module, const char *name, const struct file_view *file)
{
    const struct module *cached = find_file(link, file);
    if (!cached)
        return module_parse(&link->ground, module, name, file) && keep(link, module);
    if (!copy(link, &link->ground.arena, module, cached))
        return false;
    module->name = name;
    module->file = *file;
    return true;
}

static bool is_scope(const struct cached_scope *scope, struct module *const *libraries, size_t count)
{
    if (scope->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (scope->files[i] != libraries[i]->file.bytes)
            return false;
    return true;
}

static struct cached_scope *find_scope(const struct link_cache *cache, struct module *const *libraries, size_t count)
{
    struct cached_scope *scope = cache->scopes;
    while (scope && !is_scope(scope, libraries, count))
        scope = scope->next;
    return scope;
}

static bool add_scope(struct link *link, struct module *const *libraries, size_t count)
{
    struct link_cache *cache = link->settings.cache;
    struct cached_scope *scope = arena_alloc(&link->ground, &cache->arena, 1, sizeof *scope + count * sizeof *scope->files);
    if (!scope)
        return false;
    scope->next = cache->scopes;
    scope->count = count;
    for (size_t i = 0; i < count; i++)
        scope->files[i] = libraries[i]->file.bytes;
    cache->scopes = scope;
    return true;
}

static struct cached_module *find_module(const struct cached_scope *scope, const struct module *module)
{
    struct cached_module *record = scope->modules;
    while (record && record->file != module->file.bytes)
        record = record->next;
    return record;
}

static struct cached_module *add_module(struct link *link, struct cached_scope *scope, const struct module *module)
{
    struct arena **arena = &link->settings.cache->arena;
    uint64_t leading = module->relative_count < module->rela.count ? module->relative_count : module->rela.count;
    if (module->rela.count - leading + module->plt_rela.count > ENTRIES_MAX || link->settings.cache->records >= RECORDS_MAX)
        return NULL;
    struct cached_module *record = arena_alloc(&link->ground, arena, 1, sizeof *record);
    struct cached_binding *rela = arena_alloc(&link->ground, arena, module->rela.count - leading, sizeof *rela);
    struct cached_binding *plt_rela = arena_alloc(&link->ground, arena, module->plt_rela.count, sizeof *plt_rela);
    if (!record || !rela || !plt_rela)
        return NULL;
    *record = (struct cached_module){scope->modules, module->file.bytes, leading, rela, plt_rela};
    link->settings.cache->records++;
    return scope->modules = record;
}

/* Only what comes with a program, in the order that its libraries have: the program, then they. */
static bool prepare(struct link *link)
{
    size_t count = link->state.searched_count;
    if (link->results.fresh != link->results.first || link->state.bind_first || link->settings.host->binding || count < 2 ||
        link->state.searched[0] != link->results.first || !module_filter(link->results.first, &link->state.program_filter))
        return true;
    struct module *const *libraries = link->state.searched + 1;
    struct cached_scope *scope = find_scope(link->settings.cache, libraries, count - 1);
    /* What comes once may never come again: to leave bindings costs as much as to find them. */
    if (!scope)
        return add_scope(link, libraries, count - 1);
    for (size_t i = 0; i < count - 1 && !link->ground.stopped; i++) {
        struct module *module = libraries[i];
        module->cached = find_module(scope, module);
        module->is_cached = module->cached;
        if (!module->cached && !module->file.in_place)
            module->cached = add_module(link, scope, module);
    }
    return !link->ground.failed;
}

/* As many entries as are cached. */
static uint64_t store(const struct relocation *relocation, const struct elf_rela *first, const struct elf_rela *end)
{
    const struct link *link = relocation->link;
    const struct symbol_filter filter = link->state.program_filter;
    const uint64_t low = relocation->low, span = relocation->span >= WORD ? relocation->span - WORD + 1 : 0;
    uint8_t *const window = relocation->staging;
    struct module *const *searched = link->state.searched;
    const struct cached_binding *known = relocation->cached + (first - relocation->cached_first);
    const struct elf_rela *entry = first;
    for (; entry < end && known->provider && !filter_admits(&filter, known->hash); entry++, known++) {
        uint64_t at = entry->r_offset - low;
        if (at >= span)
            break;
        set_word(window + at, searched[known->provider]->bias + known->value);
    }
    return (uint64_t)(entry - first);
}

/* What usual.c did is looked up once more, as its loop has no step to spare for this: once for all links to come. */
static void leave(const struct relocation *relocation, const struct elf_rela *entry, uint64_t count)
{
    struct link *link = relocation->link;
    struct module *module = relocation->module;
    struct cached_binding *known = relocation->cached + (entry - relocation->cached_first);
    for (; count--; entry++, known++) {
        uint64_t number = SYMBOL_INDEX(entry->r_info);
        const struct elf_symbol *symbol = quick_symbol(module, number);
        struct reference reference = {
            .name = symbol_name_of(quick_string(module, symbol->st_name), module->strings.count - symbol->st_name),
            .version = module->versym.count ? module_symbol_version(module, number) : NULL,
            .is_call = machine_relocation(relocation->machine, TYPE(entry->r_info)) == RELOCATION_JUMP_SLOT,
        };
        struct definition found = scope_lookup(link, module, &reference, NULL);
        uint32_t position = 0;
        while (position < link->state.searched_count && link->state.searched[position] != found.module)
            position++;
        if (position == link->state.searched_count)
            continue;
        uint64_t stored = word_at(relocation->staging + (entry->r_offset - relocation->low));
        *known = (struct cached_binding){stored - found.module->bias, reference.name.gnu_hash, position};
    }
}

static uint64_t bind(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end)
{
    uint64_t count = store(relocation, entry, end);
    entry += count;
    /* After one that is not, more are cached. */
    const struct elf_rela *next = relocation->module->is_cached && entry < end ? entry + 1 : end;
    uint64_t usual = relocate_usual(relocation, entry, next);
    leave(relocation, entry, usual);
    return count + usual;
}

const struct link_cache_functions link_cache_functions = {parse, prepare, bind};

void link_cache_end(struct link_cache *cache, const struct link_host *host)
{
    struct ground ground = {.context = host->context, .release = host->release};
    arena_free(&ground, &cache->arena);
    *cache = (struct link_cache){0};
}
