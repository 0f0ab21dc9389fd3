/* Requests that are answered later, at most LOADER_WAITS_MAX of each client: waits for the end of a process, and for
 * a name that no service registered yet. */
#ifndef WAIT_H
#define WAIT_H
#include "child.h"

/* LOADER_WAIT: answered when the process ended, at once if it has. */
void wait_for_end(struct loader *loader, const struct port_event *request, uint64_t number);
/* The same of any that the client started, each of which is an answer once. PORT_NOT_FOUND: there is none. */
void wait_for_any(struct loader *loader, const struct port_event *request);
/* LOADER_AWAIT: answered when the name is registered, or as soon as no service that could register it will run. */
void wait_for_name(struct loader *loader, const struct port_event *request, const char *name);

/* The name was registered. */
void wait_registered(struct loader *loader, const char *name);
/* A process ended: its record has the state. Its own requests go, others' are answered as far as that decides them. */
void wait_ended(struct loader *loader, struct child *child);
/* The loader service ends: no request is answered any more. */
void wait_give_up(struct loader *loader);
#endif
