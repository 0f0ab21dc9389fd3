/* Fern's C library: as much as its programs need. */
#ifndef FERNC_H
#define FERNC_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* %s, %d and %x of int and of pointers' low half; one call of the system each. */
void print(const char *format, ...);
__attribute__((noreturn)) void exit(int status);
void *memory(size_t size); /* whole pages, zeroed; NULL: none left */
void yield(void);

void *memcpy(void *__restrict to, const void *__restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);

/* Open an object: its handle; 0: the loader's message is in open_message(). */
uint64_t open_object(const char *name);
void *open_symbol(uint64_t handle, const char *name);
const char *open_message(void);
/* 0: destructors ran, and it is gone. */
int open_close(uint64_t handle);

/* What the loader says to all programs: a symbol that it defines; a program that the kernel started has none. */
extern const char fern_notice[] __attribute__((weak));
#ifdef __cplusplus
}
#endif
#endif
