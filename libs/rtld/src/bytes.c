/* The string functions that come with the core. Weak, so that a libc's or a host's own go first. */
#include "bytes.h"

#define WEAK __attribute__((weak))
/* So that no compiler makes of a loop the very function that the loop is in. */
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")
#define BLOCK 64

typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) pair;

/* Upwards, and each block is read before it is written: right for memmove, too. */
static void copy_up(char *target, const char *source, size_t size)
{
    for (; size >= BLOCK; size -= BLOCK, target += BLOCK, source += BLOCK) {
        const pair *in = (const pair *)source;
        pair a = in[0], b = in[1], c = in[2], d = in[3], *out = (pair *)target;
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
        KEEP_LOOP();
    }
    for (; size >= 8; size -= 8, target += 8, source += 8) {
        set_word(target, word_at(source));
        KEEP_LOOP();
    }
    for (; size; size--) {
        *target++ = *source++;
        KEEP_LOOP();
    }
}

WEAK void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy_up(to, from, size);
    return to;
}

WEAK void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to <= (uintptr_t)from) {
        copy_up(to, from, size);
        return to;
    }
    while (size--) {
        ((char *)to)[size] = ((const char *)from)[size];
        KEEP_LOOP();
    }
    return to;
}

WEAK void *memset(void *to, int value, size_t size)
{
    char *target = to;
    uint64_t word = (uint8_t)value * 0x0101010101010101ull;
    pair two = {word, word};
    for (; size >= BLOCK; size -= BLOCK, target += BLOCK) {
        pair *out = (pair *)target;
        out[0] = two;
        out[1] = two;
        out[2] = two;
        out[3] = two;
        KEEP_LOOP();
    }
    for (; size >= 8; size -= 8, target += 8) {
        set_word(target, word);
        KEEP_LOOP();
    }
    for (; size; size--) {
        *target++ = (char)value;
        KEEP_LOOP();
    }
    return to;
}

WEAK int memcmp(const void *left, const void *right, size_t size)
{
    const unsigned char *a = left, *b = right;
    for (; size; size--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

WEAK int strcmp(const char *left, const char *right)
{
    for (; *left && *left == *right; left++, right++)
        ;
    return (unsigned char)*left - (unsigned char)*right;
}

WEAK size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) {
        end++;
        KEEP_LOOP();
    }
    return (size_t)(end - text);
}
