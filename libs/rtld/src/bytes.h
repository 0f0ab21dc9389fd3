/* Bytes and slots in memory; the string functions that the core calls, or its compiler for it. */
#ifndef RTLD_BYTES_H
#define RTLD_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not by memcpy, which is a call in a freestanding compilation. */
typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned_u64;
typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned_u32;

static inline uint64_t word_at(const void *place)
{
    return *(const unaligned_u64 *)place;
}

static inline void set_word(void *place, uint64_t value)
{
    *(unaligned_u64 *)place = value;
}

/* offset + size <= limit, without overflow. */
static inline bool within(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

/* Weak in bytes.c: a host's own go first. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
int strcmp(const char *left, const char *right);
size_t strlen(const char *text);

#endif
