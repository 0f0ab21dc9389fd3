/* Small objects: pieces of 64 to 2048 bytes, cut from frames that stay the pool's. */
#ifndef MEMORY_POOL_H
#define MEMORY_POOL_H
#include <stddef.h>
#include <stdint.h>

#define POOL_CLASSES 6 /* 64, 128 ... 2048 bytes */

/* Zeroed; NULL: no free frame. A size above 2048 is a mistake of the kernel's: panic. */
void *pool_alloc(size_t size);
/* The same size as was asked for. */
void pool_free(void *pointer, size_t size);

/* Bookkeeping: the class of a size, frames of a class, and pieces of it in use. */
unsigned pool_class(size_t size);
uint64_t pool_frames(unsigned class);
uint64_t pool_used(unsigned class);
#endif
