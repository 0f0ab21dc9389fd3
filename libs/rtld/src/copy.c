/* Copy relocations: a program without position-independent code has room for a library's variable, and everybody uses
 * that one. */
#include <string.h>

#include "relocate.h"

/* The initial bytes of a definition: of a writable segment as relocated, of others as in the file. */
static const void *bytes_of(const struct definition *definition, uint64_t size)
{
    const void *window = module_staged(definition->module, definition->symbol->st_value, size);
    return window ? window : module_data(definition->module, definition->symbol->st_value, size, 1);
}

static bool copy(struct relocation *relocation, const struct elf_rela *entry)
{
    struct link *link = relocation->link;
    struct module *module = relocation->module;
    const struct elf_symbol *symbol = module_symbol(module, SYMBOL_INDEX(entry->r_info));
    struct definition found;
    /* Anybody's but its own: that is where the copy goes. */
    if (!relocation_bind(relocation, entry, false, module, &found))
        return false;
    if (!found.module)
        return true;
    if (!symbol || !found.symbol || found.module == module || found.symbol->st_shndx == SHN_UNDEF ||
        (found.symbol->st_info & 15) == STT_TLS)
        return relocation_refuse(relocation, LINK_BAD_RELOCATION, entry);
    uint64_t size = symbol->st_size < found.symbol->st_size ? symbol->st_size : found.symbol->st_size;
    const void *source = size ? bytes_of(&found, size) : NULL;
    uint8_t *target = source ? relocation_place(relocation, entry->r_offset, size) : NULL;
    if (!target)
        return !size || (source ? false : relocation_refuse(relocation, LINK_BAD_RELOCATION, entry));
    memmove(target, source, size);
    /* Words of the source that wait for their resolver wait in the copy as well. */
    uint64_t from = found.module->bias + found.symbol->st_value, to = module->bias + entry->r_offset;
    for (size_t i = 0, count = link->results.pending_ifunc_count; i < count; i++) {
        struct pending_ifunc resolver = link->results.pending_ifuncs[i];
        if (resolver.place - from >= size || size - (resolver.place - from) < WORD)
            continue;
        resolver.module = module;
        resolver.place += to - from;
        if (!pending_ifunc_add(link, &resolver))
            return false;
    }
    return true;
}

bool module_relocate_copies(struct link *link, struct module *module)
{
    struct relocation relocation = relocation_of(link, module);
    const struct table *tables[] = {&module->rela, &module->plt_rela};
    bool good = true;
    for (unsigned t = 0; t < 2; t++) {
        const struct elf_rela *entries = tables[t]->data;
        for (uint64_t i = 0; i < tables[t]->count && !link->ground.stopped; i++)
            if (machine_relocation(relocation.machine, TYPE(entries[i].r_info)) == RELOCATION_COPY)
                good &= copy(&relocation, &entries[i]);
    }
    return good;
}
