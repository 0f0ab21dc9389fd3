/* What is loaded where, recorded when a client asks for it or when the process goes. Most boots end without. */
#ifndef MODULES_H
#define MODULES_H
#include "child.h"

/* How many there are; without memory for it 0. Of a process that is gone: what was recorded. */
size_t modules_of(struct child *child);
#endif
