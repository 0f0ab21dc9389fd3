/* Requests of a process about its own objects: what dlopen and its relatives in libc ask for. The work is done here,
 * for the other address space; what must run in it (resolvers, constructors) is in the reply. */
#ifndef DLOPEN_H
#define DLOPEN_H
#include "child.h"

/* `text`: the data of the request, with a NUL behind it. Answers in any case. */
void dlopen_request(struct child *child, const struct port_event *request, const char *text);
#endif
