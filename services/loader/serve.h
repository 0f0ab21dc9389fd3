/* Requests of clients, and ends of processes. */
#ifndef SERVE_H
#define SERVE_H
#include "state.h"

/* Answer until the port has no more. */
void serve(struct loader *loader);
#endif
