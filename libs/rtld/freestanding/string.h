/* What libs/hostlink and other hosts call of a C library, where there is none: libs/rtld defines it weakly (src/bytes.c). */
#ifndef RTLD_FREESTANDING_STRING_H
#define RTLD_FREESTANDING_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
int strcmp(const char *left, const char *right);
size_t strlen(const char *text);
#endif
