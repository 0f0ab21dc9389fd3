/* Linux' calls on the running thread's address space. Pages that may be written are anonymous, or private copies;
 * others are the boot image's own frames. What is asked for and cannot be had is an error: writing a file, executing
 * anonymous memory, flags that would change what is mapped. A mapping at a fixed address takes the place of what was
 * there; where it fails, the range may be left unmapped, as under Linux. */
#ifndef LINUX_MEMORY_H
#define LINUX_MEMORY_H
#include <stdint.h>

int64_t linux_mmap(uint64_t address, uint64_t size, uint64_t bits, uint64_t flags, uint64_t number, uint64_t offset);
int64_t linux_mprotect(uint64_t address, uint64_t size, uint64_t bits);
int64_t linux_munmap(uint64_t address, uint64_t size);
#endif
