/* Binding: what most references do not need. */
#include "reference.h"

#include "closure.h"
#include "lazy.h"

struct binder binder_of(struct link *link, struct module *module, const struct module *except)
{
    return (struct binder){
        .link = link,
        .module = module,
        .except = except,
        .index = except ? NULL : link->state.index,
        .watched = except || link->settings.host->binding || (module->cached && !module->is_cached),
    };
}

const struct elf_symbol *reference_find_own(const struct binder *binder, const struct reference *reference)
{
    return binder->except ? NULL : module_lookup(binder->module, reference, &binder->link->ground.work);
}

struct definition reference_search(const struct binder *binder, const struct reference *reference)
{
    struct link *link = binder->link;
    return scope_search(link->state.searched, link->state.searched_count, reference, binder->except, &link->ground.work);
}

static bool undefined(const struct binder *binder, const struct elf_rela *entry, const char *name,
                      const struct version *version)
{
    const struct link_state *state = &binder->link->state;
    return ground_report(&binder->link->ground, &(struct report){
        .error = LINK_UNDEFINED,
        .object = binder->module->name,
        .symbol = name,
        .version = version ? version->name : NULL,
        .provider = version ? version->file : NULL,
        .offset = entry->r_offset,
        .searched = state->searched,
        .searched_count = state->searched_count,
    });
}

static void report_binding(struct binder *binder, const struct elf_rela *entry, const struct reference *reference,
                           const struct definition *found)
{
    const struct link_host *host = binder->link->settings.host;
    uint64_t number = entry->r_info >> 32 << 1 | reference->is_call;
    if (number == binder->reported)
        return;
    binder->reported = number;
    struct link_binding record = {
        .object = binder->module->name,
        .symbol = reference->name.text,
        .version = reference->version ? reference->version->name : NULL,
        .offset = entry->r_offset,
        .type = (uint32_t)entry->r_info,
    };
    if (found->module) {
        bool plain = found->symbol->st_shndx == SHN_ABS || (found->symbol->st_info & 15) == STT_TLS;
        record.provider = found->module->name;
        record.address = found->symbol->st_value + (plain ? 0 : found->module->bias);
    }
    host->binding(host->context, &record);
}

bool reference_settle(struct binder *binder, const struct elf_rela *entry, const struct reference *reference,
                      struct definition *found)
{
    struct link *link = binder->link;
    const struct elf_symbol *symbol = module_symbol_inline(binder->module, entry->r_info >> 32);
    struct module *provider = found->module;
    if (!ground_work(&link->ground, binder->module->name, 0))
        return false;
    if (!provider && (symbol->st_info & 15) != STT_TLS)
        *found = scope_host_definition(link, reference);
    if (!found->module && symbol->st_info >> 4 != STB_WEAK)
        return (!binder->except && lazy_may_wait(link, binder->module, entry)) || undefined(binder, entry, reference->name.text, reference->version);
    if (provider && found->symbol->st_info >> 4 == STB_GNU_UNIQUE && !scope_unique(link, &reference->name, found))
        return false;
    if (provider && !closure_depend(link, binder->module, found->module))
        return false;
    if (link->settings.host->binding)
        report_binding(binder, entry, reference, found);
    return true;
}

bool reference_bind_alone(struct binder *binder, const struct elf_rela *entry, bool is_call, struct definition *found)
{
    struct module *module = binder->module;
    uint64_t index = entry->r_info >> 32;
    *found = (struct definition){module, NULL};
    if (!index)
        return true;
    const struct elf_symbol *symbol = module_symbol_inline(module, index);
    const char *text = symbol ? module_string_inline(module, symbol->st_name) : NULL;
    if (!text)
        return ground_refuse(&binder->link->ground, LINK_BAD_SYMBOL, module->name, entry->r_offset, index);
    found->symbol = symbol;
    unsigned binding = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    bool defined = symbol->st_shndx != SHN_UNDEF;
    if (binding != STB_LOCAL && visibility == STV_PROTECTED) {
        struct symbol_name name = symbol_name_of(text, module->strings.count - symbol->st_name);
        const struct version *version = module_symbol_version(module, index);
        struct reference reference = {name, version, .is_call = is_call}, call = {name, version, .is_call = true};
        struct definition searched = reference_search(binder, &reference);
        /* An object's own definition is what it gets, unless the program stands in for the function's address. */
        if (!defined || binder->except ||
            (!is_call && searched.module && searched.symbol->st_shndx == SHN_UNDEF &&
             reference_search(binder, &call).module == module))
            *found = searched;
        return reference_settle(binder, entry, &reference, found);
    }
    if (defined)
        return true;
    *found = (struct definition){0};
    return binding == STB_WEAK || undefined(binder, entry, text, NULL);
}
