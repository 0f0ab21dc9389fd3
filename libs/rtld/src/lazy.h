/* Functions that nothing defines when their object is linked: they are looked up again when they are called. */
#ifndef RTLD_LAZY_H
#define RTLD_LAZY_H
#include <rtld/link.h>

/* Whether an entry's function may be undefined until then. */
bool lazy_may_wait(struct link *link, const struct module *module, const struct elf_rela *entry);
/* Its slot leads to its PLT entry, and that to the resolver. It may wait. */
void lazy_leave(const struct link *link, const struct module *module, const struct elf_rela *entry);
#endif
