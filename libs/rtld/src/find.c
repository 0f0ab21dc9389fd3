/* Look-ups by name and by address while the program runs. */
#include <rtld/link.h>

#include "closure.h"
#include "ground.h"
#include "modules.h"
#include "scope.h"

static struct definition find_global(const struct link *link, const struct reference *reference, uint64_t *work)
{
    struct definition found = {0};
    for (struct module *module = link->state.global; module && !found.module; module = module->next_global)
        found = scope_search(&module, 1, reference, NULL, work);
    return found;
}

/* Whose scope a caller's default look-up ends with. */
static struct definition find_default(const struct link *link, const struct module *caller,
                                      const struct reference *reference, uint64_t *work)
{
    struct definition found = find_global(link, reference, work);
    if (!found.module && caller)
        found = scope_search(caller->root->closure, caller->root->closure_count, reference, NULL, work);
    return found;
}

static struct definition find_next(const struct module *caller, const struct reference *reference, uint64_t *work)
{
    const struct module *root = caller ? caller->root : NULL;
    uint64_t at = 0;
    while (root && at < root->closure_count && root->closure[at] != caller)
        at++;
    if (!root || at == root->closure_count)
        return (struct definition){0};
    return scope_search(root->closure + at + 1, root->closure_count - at - 1, reference, NULL, work);
}

static uint64_t address_of(const struct definition *found)
{
    bool plain = found->symbol->st_shndx == SHN_ABS || (found->symbol->st_info & 15) == STT_TLS;
    return found->symbol->st_value + (plain ? 0 : found->module->bias);
}

bool link_find(const struct link *link, enum link_scope scope, const struct module *module, const char *name,
               const char *version, struct link_symbol *found)
{
    uint64_t work = 0;
    struct version wanted = {.name = version, .hash = version ? gabi_hash(version) : 0, .hidden = true};
    struct reference reference = {
        .name = symbol_name_of(name, strlen(name) + 1),
        .version = version ? &wanted : NULL,
        .newest = true,
    };
    struct definition definition = {0};
    if (scope == LINK_SCOPE_DEFAULT)
        definition = find_default(link, module, &reference, &work);
    else if (scope == LINK_SCOPE_NEXT)
        definition = find_next(module, &reference, &work);
    else if (module == link->results.first)
        definition = find_global(link, &reference, &work); /* what was opened for all is the program's, too */
    else
        definition = scope_search(module->closure, module->closure_count, &reference, NULL, &work);
    /* The host is no object, so it is in no closure. */
    if (!definition.module && scope != LINK_SCOPE_CLOSURE)
        definition = scope_host_definition(link, &reference);
    if (!definition.symbol)
        return false;
    *found = (struct link_symbol){definition.module, definition.symbol, address_of(&definition)};
    return true;
}

/* As when the module was relocated. */
static struct definition find_for(struct link *link, struct module *module, const struct elf_symbol *symbol,
                                  const struct reference *reference)
{
    if ((symbol->st_info >> 4 == STB_LOCAL || symbol->st_other & 3) && symbol->st_shndx != SHN_UNDEF)
        return (struct definition){module, symbol};
    uint64_t *work = &link->ground.work;
    struct definition found = {0};
    if (module->symbolic)
        found = scope_search((struct module *const *)&module, 1, reference, NULL, work);
    if (!found.module && module->bind_first)
        found = scope_search(module->root->closure, module->root->closure_count, reference, NULL, work);
    if (!found.module)
        found = find_default(link, module, reference, work);
    return found.module ? found : scope_host_definition(link, reference);
}

/* What follows from it: false after a report. */
static bool settle(struct link *link, struct module *module, const struct symbol_name *name, struct definition *definition)
{
    if (!definition->module)
        return true;
    bool is_unique = definition->symbol->st_info >> 4 == STB_GNU_UNIQUE;
    return (!is_unique || scope_unique(link, name, definition)) && closure_depend(link, module, definition->module);
}

static bool is_fixed(const struct module *module, uint64_t address)
{
    const struct segment *segment = module_segment(module, address);
    return !segment || address - segment->relro_address < segment->relro_size;
}

bool link_bind(struct link *link, struct module *module, uint64_t index, struct link_symbol *found, uint64_t *place)
{
    call_begin(link);
    const struct elf_rela *entry = index < module->plt_rela.count ? (const struct elf_rela *)module->plt_rela.data + index : NULL;
    const struct elf_symbol *symbol = entry ? module_symbol(module, entry->r_info >> 32) : NULL;
    const char *name = symbol ? module_string(module, symbol->st_name) : NULL;
    if (!name)
        return ground_refuse(&link->ground, LINK_BAD_SYMBOL, module->name, index, 0);
    const struct version *version = module_symbol_version(module, entry->r_info >> 32);
    struct reference reference = {symbol_name_of(name, strlen(name) + 1), version && version->name ? version : NULL, .is_call = true};
    struct definition definition = find_for(link, module, symbol, &reference);
    bool may_be_absent = symbol->st_info >> 4 == STB_WEAK;
    if (definition.module ? (definition.symbol->st_info & 15) == STT_TLS : !may_be_absent)
        return ground_refuse_name(&link->ground, LINK_UNDEFINED, module->name, name, version ? version->name : NULL, NULL);
    if (!settle(link, module, &reference.name, &definition))
        return false;
    *found = (struct link_symbol){definition.module, definition.symbol, definition.module ? address_of(&definition) : 0};
    *place = is_fixed(module, entry->r_offset) ? 0 : module->bias + entry->r_offset;
    return true;
}

const struct module *link_module_at(const struct link *link, uint64_t address)
{
    for (const struct module *module = link->results.first; module; module = module->next)
        if (module_segment(module, address - module->bias))
            return module;
    return NULL;
}
