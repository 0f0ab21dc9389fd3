/* What the manifest lets each process do: register names, start services, look into others, end them. */
#ifndef AUTHORITY_H
#define AUTHORITY_H
#include "child.h"

#define REGISTRY "names"

bool authority_is_registry(const struct loader *loader, const struct image_service *service);
/* Whether to report what this process may not or will not get: the first times only. NULL: no. */
bool authority_reports(struct child *child);

/* `caller`: who sent a request; NULL: a process that is not known. */
bool authority_granted(const struct child *caller, uint32_t grant);
/* The registry is started once, at boot. */
bool authority_may_start(struct child *caller, const struct image_service *service);

/* Whether a running process has registered the name. */
bool authority_registered(const struct loader *loader, const char *name);
/* Whether a running process may still register it, or start a service that may. *is_known: some service of the manifest
 * may. */
bool authority_may_come(const struct loader *loader, const char *name, bool *is_known);
/* LOADER_REGISTER for the process of this number. PORT_NO_RIGHT, PORT_OVERLAP: what the protocol says. */
int64_t authority_register(struct loader *loader, uint64_t number, const char *name, bool is_dead);
/* LOADER_UNREGISTER: no process has the name any more. */
void authority_unregister(struct loader *loader, const char *name);
#endif
