/* Functions that are bound at their first call: with settings.lazy all that can wait, else those that nothing defines when
 * their object is linked. */
#ifndef RTLD_LAZY_H
#define RTLD_LAZY_H
#include <rtld/link.h>

/* Before the fresh modules are relocated: whether settings.lazy holds for them. It does where the program has the function
 * that binds; what that needs does not wait itself. False after a report. */
bool lazy_prepare(struct link *link);

/* Where slots of a module lie that may be stored to while the program runs: staged from `low` on, a slot may begin at each
 * of the first `room` + 1 bytes, but for RELRO. */
struct lazy_slots {
    uint64_t low, room, relro_address, relro_size;
    uint8_t *staging;
};

/* Whether functions of a module's DT_JMPREL wait, defined or not. Then its PLT leads to the resolver. */
bool lazy_begin(const struct link *link, const struct module *module, struct lazy_slots *slots);

/* The slot of a JUMP_SLOT, to which the file's value is the PLT entry's p_vaddr; NULL: it does not wait. */
static inline uint8_t *lazy_slot(const struct lazy_slots *slots, const struct elf_rela *entry)
{
    uint64_t at = entry->r_offset - slots->low;
    /* Symbol 0 is no function. */
    bool waits = at <= slots->room && entry->r_offset - slots->relro_address >= slots->relro_size && entry->r_info >> 32;
    return waits ? slots->staging + at : NULL;
}

/* Whether an entry's function may be undefined until its first call. */
bool lazy_may_wait(struct link *link, const struct module *module, const struct elf_rela *entry);
/* Its slot leads to its PLT entry, and that to the resolver. It may wait. */
void lazy_leave(const struct link *link, const struct module *module, const struct elf_rela *entry);
#endif
