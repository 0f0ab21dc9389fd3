/* Thread-local storage: ids of modules, and their places in the static block. */
#ifndef RTLD_TLS_H
#define RTLD_TLS_H
#include <rtld/link.h>

/* Give fresh modules their ids, and their place in the static block if the program comes with them. */
void tls_lay_out(struct link *link);
/* A place in the surplus for a module that is needed there; false: there is no room. */
bool tls_make_static(struct link *link, struct module *module);
/* The room of a module that goes, and is in no list any more, is free for others where nothing has room beyond it. */
void tls_give_back(struct link *link, struct module *module);
#endif
