/* What an object needs, and what that needs in turn. */
#ifndef RTLD_CLOSURE_H
#define RTLD_CLOSURE_H
#include "modules.h"

/* The DT_NEEDED closure of the fresh modules, and its versions; false after a report. */
bool closure_load(struct link *link);
/* [module and what it needs], breadth first, in module->closure; false after a report. */
bool closure_make(struct link *link, struct module *module);
/* The closure of `root` joins the global scope. */
void closure_join_global(struct link *link, struct module *root);

/* An object that another was bound to without needing it. */
struct dependence {
    struct dependence *next;
    struct module *module;
};

/* `module` was bound to `provider`, which must not go before it does; false after a report. */
bool closure_depend(struct link *link, struct module *module, struct module *provider);
#endif
