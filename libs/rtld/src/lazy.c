#include "lazy.h"

#include "bytes.h"
#include "closure.h"
#include "module.h"
#include "psabi.h"

#define WORD sizeof(uint64_t)
#define RESERVED_WORDS 3 /* of the PLT's GOT: the dynamic section, and two for what a PLT entry leads to */

static bool has_resolver(struct link *link)
{
    const struct link_host *host = link->settings.host;
    if (!link->settings.lazy_resolver && host->find_lazy_resolver)
        link->settings.lazy_resolver = host->find_lazy_resolver(host->context);
    return link->settings.lazy_resolver;
}

/* What must be bound before it can bind. */
static bool bind_resolver(struct link *link)
{
    struct module *home = link->results.first;
    while (home && !module_segment(home, link->settings.lazy_resolver - home->bias))
        home = home->next;
    if (!home)
        return true;
    if (!closure_make(link, home))
        return false;
    for (uint64_t i = 0; i < home->closure_count; i++)
        home->closure[i]->now = true;
    return true;
}

bool lazy_prepare(struct link *link)
{
    struct link_state *state = &link->state;
    state->lazy_all = state->lazy && link->settings.lazy && has_resolver(link);
    return !state->lazy_all || bind_resolver(link);
}

static bool may_wait(const struct module *module)
{
    return !module->now && module->plt_got && !module->file.adjusted && psabi_find(module->machine)->lazy_slots &&
           module_staged(module, module->plt_got, RESERVED_WORDS * WORD);
}

/* A PLT entry pushes word 1, and goes where word 2 says. */
static void lead_on(const struct link *link, const struct module *module)
{
    uint8_t *got = module_staged(module, module->plt_got, RESERVED_WORDS * WORD);
    set_word(got + WORD, module->plt_got + module->bias);
    set_word(got + 2 * WORD, link->settings.lazy_resolver);
}

bool lazy_begin(const struct link *link, const struct module *module, struct lazy_slots *slots)
{
    const struct segment *segment = link->state.lazy_all && may_wait(module) ? module_segment(module, module->plt_got) : NULL;
    if (!segment)
        return false;
    lead_on(link, module);
    *slots = (struct lazy_slots){
        .low = segment->page_address,
        .room = segment->pages_size - WORD,
        .relro_address = segment->relro_address,
        .relro_size = segment->relro_size,
        .staging = segment->staging,
    };
    return true;
}

bool lazy_may_wait(struct link *link, const struct module *module, const struct elf_rela *entry)
{
    const struct elf_symbol *symbol = module_symbol(module, entry->r_info >> 32);
    uint64_t index = (uint64_t)(entry - (const struct elf_rela *)module->plt_rela.data);
    return link->state.lazy && may_wait(module) && index < module->plt_rela.count &&
           psabi_relocation(psabi_find(module->machine), (uint32_t)entry->r_info) == RELOCATION_JUMP_SLOT &&
           module_staged(module, entry->r_offset, WORD) && symbol && symbol->st_info >> 4 == STB_GLOBAL && has_resolver(link);
}

void lazy_leave(const struct link *link, const struct module *module, const struct elf_rela *entry)
{
    uint8_t *slot = module_staged(module, entry->r_offset, WORD);
    set_word(slot, word_at(slot) + module->bias);
    lead_on(link, module);
}
