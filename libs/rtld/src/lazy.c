#include "lazy.h"

#include "bytes.h"
#include "module.h"
#include "psabi.h"

#define WORD sizeof(uint64_t)

static bool has_resolver(struct link *link)
{
    const struct link_host *host = link->settings.host;
    if (!link->settings.lazy_resolver && host->find_lazy_resolver)
        link->settings.lazy_resolver = host->find_lazy_resolver(host->context);
    return link->settings.lazy_resolver;
}

bool lazy_may_wait(struct link *link, const struct module *module, const struct elf_rela *entry)
{
    const struct psabi *psabi = psabi_find(module->machine);
    if (!link->state.lazy || module->now || !module->plt_got || module->file.adjusted || !psabi->lazy_slots ||
        psabi_relocation(psabi, (uint32_t)entry->r_info) != RELOCATION_JUMP_SLOT)
        return false;
    const struct elf_symbol *symbol = module_symbol(module, entry->r_info >> 32);
    uint64_t index = (uint64_t)(entry - (const struct elf_rela *)module->plt_rela.data);
    return index < module->plt_rela.count && symbol && symbol->st_info >> 4 == STB_GLOBAL &&
           module_staged(module, entry->r_offset, WORD) && module_staged(module, module->plt_got, 3 * WORD) &&
           has_resolver(link);
}

void lazy_leave(const struct link *link, const struct module *module, const struct elf_rela *entry)
{
    uint8_t *slot = module_staged(module, entry->r_offset, WORD), *got = module_staged(module, module->plt_got, 3 * WORD);
    /* The file has the address of the PLT entry there. */
    set_word(slot, word_at(slot) + module->bias);
    set_word(got + WORD, module->plt_got + module->bias);
    set_word(got + 2 * WORD, link->settings.lazy_resolver);
}
