/* The end of processes, and the clients that wait for it. */
#ifndef WAIT_H
#define WAIT_H
#include "child.h"

/* Answer when the process has ended, maybe at once. */
void wait_for(const struct loader *loader, struct port_reply reply, uint64_t number);
/* A client asked for its end: its waiters are answered, and its process goes. */
void wait_stopped(struct loader *loader, struct child *child);
/* The port says that a process ended. */
void wait_ended(struct loader *loader, const struct port_event *event);
#endif
