/* Forgetting a module. */
#ifndef RTLD_DROP_H
#define RTLD_DROP_H
#include <rtld/link.h>

/* Of a module that is out of the list of modules: all else that knows it, and the host. */
void module_drop(struct link *link, struct module *module);
#endif
