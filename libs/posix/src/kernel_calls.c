/* The kernel's calls that this library makes are its own, hidden: none is looked up, bound and stored in each process. A
 * static program gets one copy of them, from here or from libsys. */
#pragma GCC visibility push(hidden)
#include "../../sys/src/call.c"
#pragma GCC visibility pop
