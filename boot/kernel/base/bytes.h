/* Runs of bytes. The target defines them, and the C library's functions that the compiler and shared code call. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
#include <stddef.h>

/* The runs must not overlap. Returns `to`. */
void *memory_copy(void *to, const void *from, size_t size);
void *memory_fill(void *to, int value, size_t size);
/* The same with zeros, for a page at a multiple of its size. */
void page_clear(void *page);
/* Negative, 0 or positive, by the first byte that differs. */
int memory_compare(const void *left, const void *right, size_t size);
#endif
