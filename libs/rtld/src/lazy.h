/* Functions that are bound at their first call: with settings.lazy all that can wait, else those that nothing defines when
 * their object is linked. */
#ifndef RTLD_LAZY_H
#define RTLD_LAZY_H
#include <rtld/link.h>

/* Before the fresh modules are relocated: whether settings.lazy holds for them. It does where the program has the function
 * that binds; what that needs does not wait itself. False after a report. */
bool lazy_prepare(struct link *link);
/* Whether functions of a module's DT_JMPREL wait, defined or not: those of which lazy_waits. */
bool lazy_module_waits(const struct link *link, const struct module *module);
bool lazy_waits(const struct module *module, const struct elf_rela *entry);
/* Whether an entry's function may be undefined until its first call. */
bool lazy_may_wait(struct link *link, const struct module *module, const struct elf_rela *entry);
/* Its slot leads to its PLT entry, and that to the resolver. It waits, or may. */
void lazy_leave(const struct link *link, const struct module *module, const struct elf_rela *entry);
#endif
