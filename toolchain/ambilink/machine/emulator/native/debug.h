/* Breakpoints of data, which are traps: raised behind the instruction that hit them. */
#pragma once

#include "machine.h"

/* Between two blocks, before the one at a place in translated code: raise #DB if the instruction behind which the
 * machine is hit a breakpoint of data. Behind a load of SS the next instruction comes first. */
void debug_trap(struct machine *machine, uintptr_t place);

/* The running block is left. If that is for an exception: #DB tells what was hit and ends general detect, a fault undoes
 * its instruction's hits. */
void debug_leave(struct machine *machine, int32_t vector);
