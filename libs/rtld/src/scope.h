/* Where references are looked up: the search order of the fresh modules, and one look-up there. */
#ifndef RTLD_SCOPE_H
#define RTLD_SCOPE_H
#include "index.h"

/* The search order; false after a report. */
bool scope_prepare(struct link *link);
/* An index over it, where it pays; false after a report. */
bool scope_make_index(struct link *link);

/* Module after module. */
struct definition scope_search(struct module *const *modules, size_t count, const struct reference *reference,
                               const struct module *except, uint64_t *work);
/* What the host itself defines, when no object does. Not for thread-local data. */
struct definition scope_host_definition(const struct link *link, const struct reference *reference);

/* The one definition of an STB_GNU_UNIQUE symbol for the whole link: this one, if it is the first; false after a report. */
bool scope_unique(struct link *link, const struct symbol_name *name, struct definition *definition);
void scope_forget_unique(struct link *link, const struct module *module);
#endif
