/* Small objects: pieces of frames. A frame goes back when its last piece is freed. */
#ifndef MEMORY_POOL_H
#define MEMORY_POOL_H
#include <stddef.h>
#include <stdint.h>

#define POOL_CLASSES 8     /* sizes of pieces */
#define POOL_LARGEST 2016  /* bytes of the largest, two of which are a frame */

/* Zeroed, on a multiple of 16 bytes; NULL: no free frame. A size above POOL_LARGEST is a mistake of the kernel's:
 * panic. */
void *pool_alloc(size_t size);
/* The same size as was asked for. */
void pool_free(void *pointer, size_t size);

/* Bookkeeping: the class of a size, frames of a class, and pieces of it in use. */
unsigned pool_class(size_t size);
uint64_t pool_frames(unsigned class);
uint64_t pool_used(unsigned class);
#endif
