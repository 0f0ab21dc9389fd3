/* Slots that a function of the program must fill (IFUNC), when everything else is in its place. */
#ifndef RTLD_PENDING_IFUNC_H
#define RTLD_PENDING_IFUNC_H
#include <rtld/link.h>

/* All return false after a report. */
bool pending_ifunc_add(struct link *link, const struct pending_ifunc *pending);
/* Those in [from, from + size) wait at `to` in `module` as well. */
bool pending_ifunc_copy(struct link *link, struct module *module, uint64_t from, uint64_t to, uint64_t size);
/* Sort them, and call the resolvers if the host can. */
bool pending_ifunc_finish(struct link *link);
#endif
