/* What earlier links left. A library is parsed once. It finds the same definitions in each program that has the
 * same libraries in the same order, but for names that the program defines itself: its filter shows that it does not. */
#include <rtld/cache.h>
#include <rtld/parse.h>

#include "cache_functions.h"
#include "gnu_hash.h"
#include "modules.h"
#include "relocate.h"

#define ENTRIES_MAX (1u << 16) /* of a library's tables that may name symbols */
#define RECORDS_MAX 512 /* of libraries, over all scopes: who opens more has them read and bound afresh */

/* What a relocation entry of a library stored, in a program that does not define the name. Only plain bindings are cached. */
struct cached_binding {
    uint64_t value;     /* less the provider's bias */
    uint32_t hash;      /* GNU hash value of the name */
    uint32_t provider;  /* its position in the search order; 0, the program: not cached */
};

struct cached_module {
    struct cached_module *next;
    const uint8_t *file;
    uint64_t relative_count; /* entries of rela that have no record */
    struct cached_binding *rela, *plt_rela;
};

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

static bool make_filter(const struct module *module, struct symbol_filter *filter)
{
    struct gnu_hash table;
    if (!gnu_hash_read(module, &table) || !table.bloom_count || table.bloom_count & (table.bloom_count - 1))
        return false;
    *filter = (struct symbol_filter){table.bloom, table.bloom_count - 1, table.bloom_shift};
    return true;
}

/* A name's first question to a GNU hash table; false: it is not there. */
static inline bool filter_admits(const struct symbol_filter *filter, uint32_t hash)
{
    uint64_t word = filter->words[hash / 64 & filter->mask];
    return word >> hash % 64 & word >> (hash >> filter->shift) % 64 & 1;
}

/* Only what comes with a program, in the order that its libraries have: the program, then they. */
static bool prepare(struct link *link)
{
    size_t count = link->state.searched_count;
    if (link->results.fresh != link->results.first || link->state.bind_first || link->settings.host->binding || count < 2 ||
        link->state.searched[0] != link->results.first ||
        !make_filter(link->results.first, &link->settings.cache->program_filter))
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

/* The record of an entry, in whichever table it is; NULL: it has none. */
static struct cached_binding *binding_of(const struct module *module, const struct elf_rela *entry)
{
    const struct cached_module *cached = module->cached;
    uint64_t index = (uint64_t)(entry - (const struct elf_rela *)module->rela.data);
    if (index < module->rela.count)
        return index < cached->relative_count ? NULL : &cached->rela[index - cached->relative_count];
    return &cached->plt_rela[entry - (const struct elf_rela *)module->plt_rela.data];
}

static uint64_t replay(const struct relocation *relocation, const struct elf_rela *first, const struct elf_rela *end)
{
    const struct link *link = relocation->slots.link;
    const struct symbol_filter filter = link->settings.cache->program_filter;
    const uint64_t low = relocation->slots.low, room = relocation->slots.room;
    uint8_t *const staging = relocation->slots.staging;
    struct module *const *searched = link->state.searched;
    const struct cached_binding *cached = binding_of(relocation->slots.module, first);
    const struct elf_rela *entry = first;
    for (; cached && entry < end && cached->provider && !filter_admits(&filter, cached->hash); entry++, cached++) {
        uint64_t at = entry->r_offset - low;
        if (at >= room)
            break;
        set_word(staging + at, searched[cached->provider]->bias + cached->value);
    }
    return (uint64_t)(entry - first);
}

static void record(const struct relocation *relocation, const struct elf_rela *entry, const struct definition *found)
{
    const struct link_state *state = &relocation->slots.link->state;
    const struct module *module = relocation->slots.module;
    const struct elf_symbol *symbol = module_symbol_inline(module, entry->r_info >> 32);
    struct cached_binding *cached = binding_of(module, entry);
    enum relocation_kind kind = psabi_relocation(relocation->psabi, (uint32_t)entry->r_info);
    if (kind > RELOCATION_JUMP_SLOT || !cached || module->symbolic || symbol->st_info < STB_GLOBAL << 4 || symbol->st_other ||
        !found->symbol || !found->module->initial || !symbol_is_plain(found->symbol))
        return;
    uint32_t position = 0;
    while (position < state->searched_count && state->searched[position] != found->module)
        position++;
    if (position == state->searched_count)
        return;
    const char *name = module_string_inline(module, symbol->st_name);
    *cached = (struct cached_binding){
        .value = found->symbol->st_value + relocation_addend(relocation->psabi, kind, entry),
        .hash = symbol_name_of(name, module->strings.count - symbol->st_name).gnu_hash,
        .provider = position,
    };
}

const struct link_cache_functions link_cache_functions = {parse, prepare, replay, record};

void link_cache_end(struct link_cache *cache, const struct link_host *host)
{
    struct ground ground = {.context = host->context, .release = host->release};
    arena_free(&ground, &cache->arena);
    *cache = (struct link_cache){0};
}
