/* A thin layer of Linux' system calls (x86-64 numbers): what the start-up of a dynamically linked program, and its
 * output, need of a kernel. Files are those of the boot image, descriptors 0 to 2 the kernel's log. It is here to show
 * that programs start as Linux starts them: others' programs and others' interpreters, unchanged. */
#ifndef LINUX_LINUX_H
#define LINUX_LINUX_H
#include <stdint.h>

/* A call of the running thread: a result or a negative error number. */
int64_t linux_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#endif
