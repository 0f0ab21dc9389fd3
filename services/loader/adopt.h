/* Processes that were linked elsewhere: by the packer, the kernel, or an interpreter in the process itself. Their start block
 * says what is loaded where. What such a process asks for later needs to know its objects: then, and only then, they are
 * linked once more, at the same addresses, into memory that is thrown away. */
#ifndef ADOPT_H
#define ADOPT_H
#include "child.h"

/* Take over a process that the system started: takes process->space and ->block. */
void adopt_process(struct child *child, const struct port_process *process);
/* An interpreter writes the list when the process runs: look where it is. True: there may be others in it than before. */
bool adopt_refresh(struct child *child);
/* Let target->link know its objects, as if this service had linked it. False: space->error says why. */
bool adopt_link(struct child *child);
#endif
