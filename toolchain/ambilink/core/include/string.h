/* What host.c calls of a C library; the linker core defines it (libs/rtld/src/bytes.c), so none is needed. */
#ifndef CORE_STRING_H
#define CORE_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
int strcmp(const char *left, const char *right);
size_t strlen(const char *text);
#endif
