/* The kernel's clocks under POSIX' names. */
#ifndef POSIX_CLOCK_H
#define POSIX_CLOCK_H

#pragma GCC visibility push(hidden)
/* -EINVAL: there is no such clock. */
long kernel_clock(long clock, unsigned *which);
#pragma GCC visibility pop
#endif
