/* What is known from earlier links. A library is read once. It finds the same definitions in each program that has the
 * same libraries in the same order, but for names that the program defines itself: its filter tells that it does not. */
#include <string.h>

#include "relocate.h"

#define ENTRIES_MAX (1u << 16) /* of a library's tables that may name symbols */
#define RECORDS_MAX 512 /* of libraries, over all scopes: who opens more has them read and bound afresh */

struct known_file {
    struct known_file *next;
    struct module module; /* before any link added to it */
};

/* The libraries that were searched after a program, by where their files' bytes lie. */
struct known_scope {
    struct known_scope *next;
    struct known_module *modules;
    size_t count;
    const uint8_t *files[];
};

const struct module *known_file(const struct link *link, const struct file_view *file)
{
    const struct known_file *known = link->known ? link->known->files : NULL;
    while (known && (known->module.file.bytes != file->bytes || known->module.file.size != file->size))
        known = known->next;
    return known ? &known->module : NULL;
}

static void *copy_table(struct link *link, struct arena **arena, const void *table, uint64_t count, size_t size)
{
    void *copied = arena_alloc(link, arena, count, size);
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

bool known_read(struct link *link, struct module *module, const char *name, const struct file_view *file,
                const struct module *known)
{
    if (!copy(link, &link->arena, module, known))
        return false;
    module->name = name;
    module->file = *file;
    return true;
}

bool known_keep(struct link *link, const struct module *module)
{
    struct link_known *known = link->known;
    /* A program seldom comes again. */
    if (!known || !link->first || known->records >= RECORDS_MAX)
        return true;
    struct known_file *record = arena_alloc(link, &known->arena, 1, sizeof *record);
    if (!record || !copy(link, &known->arena, &record->module, module))
        return false;
    record->next = known->files;
    known->files = record;
    known->records++;
    return true;
}

static bool is_scope(const struct known_scope *scope, struct module *const *libraries, size_t count)
{
    if (scope->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (scope->files[i] != libraries[i]->file.bytes)
            return false;
    return true;
}

static struct known_scope *find_scope(const struct link_known *known, struct module *const *libraries, size_t count)
{
    struct known_scope *scope = known->scopes;
    while (scope && !is_scope(scope, libraries, count))
        scope = scope->next;
    return scope;
}

static bool add_scope(struct link *link, struct module *const *libraries, size_t count)
{
    struct link_known *known = link->known;
    struct known_scope *scope = arena_alloc(link, &known->arena, 1, sizeof *scope + count * sizeof *scope->files);
    if (!scope)
        return false;
    scope->next = known->scopes;
    scope->count = count;
    for (size_t i = 0; i < count; i++)
        scope->files[i] = libraries[i]->file.bytes;
    known->scopes = scope;
    return true;
}

static struct known_module *find_module(const struct known_scope *scope, const struct module *module)
{
    struct known_module *record = scope->modules;
    while (record && record->file != module->file.bytes)
        record = record->next;
    return record;
}

static struct known_module *add_module(struct link *link, struct known_scope *scope, const struct module *module)
{
    struct arena **arena = &link->known->arena;
    uint64_t leading = module->relative_count < module->rela.count ? module->relative_count : module->rela.count;
    if (module->rela.count - leading + module->plt_rela.count > ENTRIES_MAX || link->known->records >= RECORDS_MAX)
        return NULL;
    struct known_module *record = arena_alloc(link, arena, 1, sizeof *record);
    struct known_binding *rela = arena_alloc(link, arena, module->rela.count - leading, sizeof *rela);
    struct known_binding *plt_rela = arena_alloc(link, arena, module->plt_rela.count, sizeof *plt_rela);
    if (!record || !rela || !plt_rela)
        return NULL;
    *record = (struct known_module){scope->modules, module->file.bytes, leading, rela, plt_rela};
    link->known->records++;
    return scope->modules = record;
}

/* Only what comes with a program, in the order that its libraries have: the program, then they. */
bool known_prepare(struct link *link)
{
    size_t count = link->searched_count;
    if (!link->known || link->fresh != link->first || link->bind_first || link->host->binding || count < 2 ||
        link->searched[0] != link->first || !module_filter(link->first, &link->program_filter))
        return true;
    struct module *const *libraries = link->searched + 1;
    struct known_scope *scope = find_scope(link->known, libraries, count - 1);
    /* What comes once may never come again: to leave bindings costs as much as to find them. */
    if (!scope)
        return add_scope(link, libraries, count - 1);
    for (size_t i = 0; i < count - 1 && !link->stopped; i++) {
        struct module *module = libraries[i];
        module->known = find_module(scope, module);
        module->is_known = module->known;
        if (!module->known && !module->file.in_place)
            module->known = add_module(link, scope, module);
    }
    return !link->failed;
}

/* As many entries as are known. */
static uint64_t store(const struct relocation *relocation, const struct elf_rela *first, const struct elf_rela *end)
{
    const struct link *link = relocation->link;
    const struct symbol_filter filter = link->program_filter;
    const uint64_t low = relocation->low, span = relocation->span >= WORD ? relocation->span - WORD + 1 : 0;
    uint8_t *const window = relocation->window;
    struct module *const *searched = link->searched;
    const struct known_binding *known = relocation->known + (first - relocation->known_first);
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
    struct known_binding *known = relocation->known + (entry - relocation->known_first);
    for (; count--; entry++, known++) {
        uint64_t number = SYMBOL_INDEX(entry->r_info);
        const struct elf_symbol *symbol = quick_symbol(module, number);
        struct reference reference = {
            .name = symbol_name_of(quick_string(module, symbol->st_name), module->strings.count - symbol->st_name),
            .version = module->versym.count ? module_symbol_version(module, number) : NULL,
            .is_call = machine_relocation(relocation->machine, TYPE(entry->r_info)) == RELOCATION_CALL,
        };
        struct definition found = scope_lookup(link, module, &reference, NULL);
        uint32_t position = 0;
        while (position < link->searched_count && link->searched[position] != found.module)
            position++;
        if (position == link->searched_count)
            continue;
        uint64_t stored = word_at(relocation->window + (entry->r_offset - relocation->low));
        *known = (struct known_binding){stored - found.module->bias, reference.name.gnu_hash, position};
    }
}

uint64_t relocate_known(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end)
{
    uint64_t count = store(relocation, entry, end);
    entry += count;
    /* After one that is not, more are known. */
    const struct elf_rela *next = relocation->module->is_known && entry < end ? entry + 1 : end;
    uint64_t usual = relocate_usual(relocation, entry, next);
    leave(relocation, entry, usual);
    return count + usual;
}

void link_known_end(struct link_known *known, const struct link_host *host)
{
    struct link none = {.host = host};
    arena_free(&none, &known->arena);
    *known = (struct link_known){0};
}
