/* The kernel's own relocations. */
#ifndef KERNEL_RELOCATE_H
#define KERNEL_RELOCATE_H
#include <stdint.h>

/* Add to all words that hold an address of the kernel. Once, while it runs where it is linked for (start/main.c). */
void relocate_kernel(uint64_t distance);

#endif
