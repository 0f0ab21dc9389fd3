/* Where references are looked up: the global scope, and the closure of what is being opened. */
#include "scope.h"

#include "modules.h"

/* Rough instructions: of a look-up along a module's own hash chain, of one that its filter refuses, of an insertion. */
#define COST_CHAIN 200
#define COST_REFUSAL 18
#define COST_INSERTION 40
#define FEW_EXPORTS 128 /* not worth counting */

static uint64_t count_references(const struct link *link)
{
    uint64_t count = 0;
    for (const struct module *module = link->results.fresh; module; module = module->next) {
        if (module->is_cached)
            continue;
        if (!link->state.lazy_all || module->now)
            count += module->plt_rela.count;
        if (module->relative_count < module->rela.count)
            count += module->rela.count - module->relative_count;
    }
    return count;
}

/* An index costs as much as there are exports, a search as much as there are modules before the right one. */
bool scope_make_index(struct link *link)
{
    struct link_state *state = &link->state;
    uint64_t exports = 0;
    uint64_t searching = count_references(link) * (COST_CHAIN + COST_REFUSAL * state->searched_count / 2);
    if (searching < FEW_EXPORTS * COST_INSERTION)
        return true;
    struct export_range *ranges = scratch_alloc(link, state->searched_count, sizeof *ranges);
    if (!ranges)
        return false;
    for (size_t i = 0; i < state->searched_count; i++) {
        ranges[i] = index_exports(state->searched[i]);
        exports += ranges[i].end - ranges[i].first;
        if (searching < exports * COST_INSERTION)
            return true;
    }
    state->index = index_make(link, ranges, exports);
    return !link->ground.stopped;
}

static size_t append_closure(struct module **list, size_t count, const struct module *root, bool global_too)
{
    for (uint64_t i = 0; i < root->closure_count; i++)
        if (global_too || !root->closure[i]->in_global)
            list[count++] = root->closure[i];
    return count;
}

bool scope_prepare(struct link *link)
{
    struct link_state *state = &link->state;
    const struct module *root = link->results.fresh->root;
    struct module **list = scratch_alloc(link, root->closure_count + link->results.module_count, sizeof *list);
    size_t count = 0;
    if (!list)
        return false;
    if (state->bind_first)
        count = append_closure(list, count, root, true);
    for (struct module *module = state->global; module; module = module->next_global)
        if (!module->unloading)
            list[count++] = module;
    if (!state->bind_first)
        count = append_closure(list, count, root, false);
    state->searched = list;
    state->searched_count = count;
    return true;
}

struct definition scope_search(struct module *const *modules, size_t count, const struct reference *reference,
                               const struct module *except, uint64_t *work)
{
    for (size_t i = 0; i < count; i++) {
        const struct elf_symbol *symbol;
        if (modules[i] != except && (symbol = module_lookup(modules[i], reference, work)))
            return (struct definition){modules[i], symbol};
    }
    return (struct definition){0};
}

/* Stands for the host of any link. Nothing writes to it: it takes part in no phase. */
static const struct module host_module = {.name = "(host)", .initial = true};

struct definition scope_host_definition(const struct link *link, const struct reference *reference)
{
    const struct link_host *host = link->settings.host;
    const struct version *version = reference->version;
    if (!host->define)
        return (struct definition){0};
    const struct elf_symbol *symbol = host->define(host->context, reference->name.text, version ? version->name : NULL);
    return (struct definition){symbol ? (struct module *)&host_module : NULL, symbol};
}

/* A definition that the whole link uses, whatever other has one. */
struct unique_symbol {
    struct unique_symbol *next;
    struct symbol_name name;
    struct definition definition;
};

bool scope_unique(struct link *link, const struct symbol_name *name, struct definition *definition)
{
    for (struct unique_symbol *unique = link->state.unique; unique; unique = unique->next) {
        if (unique->name.gnu_hash == name->gnu_hash && text_equal(unique->name.text, name->text)) {
            *definition = unique->definition;
            return true;
        }
        ++link->ground.work;
    }
    struct unique_symbol *unique = arena_alloc(&link->ground, &definition->module->arena, 1, sizeof *unique);
    if (!unique)
        return false;
    *unique = (struct unique_symbol){link->state.unique, *name, *definition};
    unique->name.text = module_string(definition->module, definition->symbol->st_name);
    link->state.unique = unique;
    /* What comes later may be bound to it too, so it stays. */
    definition->module->nodelete = true;
    return true;
}

void scope_forget_unique(struct link *link, const struct module *module)
{
    struct unique_symbol **at = &link->state.unique;
    while (*at)
        if ((*at)->definition.module == module)
            *at = (*at)->next;
        else
            at = &(*at)->next;
}
