/* Look-ups by name and by address while the program runs. */
#include <rtld/link.h>

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
    const struct elf_symbol *symbol = definition.symbol;
    if (!symbol)
        return false;
    bool plain = symbol->st_shndx == SHN_ABS || (symbol->st_info & 15) == STT_TLS;
    *found = (struct link_symbol){definition.module, symbol, symbol->st_value + (plain ? 0 : definition.module->bias)};
    return true;
}

const struct module *link_module_at(const struct link *link, uint64_t address)
{
    for (const struct module *module = link->results.first; module; module = module->next)
        if (module_segment(module, address - module->bias))
            return module;
    return NULL;
}
