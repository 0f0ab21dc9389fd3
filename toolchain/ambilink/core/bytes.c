/* The few functions of libc that the linker core calls, so that the host library needs nobody. */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) word;

__attribute__((visibility("hidden"))) void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *target = to;
    const char *source = from;
    for (; size >= 8; size -= 8, target += 8, source += 8)
        *(word *)target = *(const word *)source;
    while (size--)
        *target++ = *source++;
    return to;
}

__attribute__((visibility("hidden"))) void *memmove(void *to, const void *from, size_t size)
{
    char *target = to;
    const char *source = from;
    if (target < source)
        return memcpy(to, from, size);
    while (size--)
        target[size] = source[size];
    return to;
}

__attribute__((visibility("hidden"))) void *memset(void *to, int value, size_t size)
{
    char *target = to;
    uint64_t bytes = (uint8_t)value * 0x0101010101010101ull;
    for (; size >= 8; size -= 8, target += 8)
        *(word *)target = bytes;
    while (size--)
        *target++ = (char)value;
    return to;
}

__attribute__((visibility("hidden"))) int memcmp(const void *left, const void *right, size_t size)
{
    const unsigned char *a = left, *b = right;
    for (; size--; a++, b++)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}

__attribute__((visibility("hidden"))) int strcmp(const char *left, const char *right)
{
    for (; *left && *left == *right; left++, right++)
        ;
    return (unsigned char)*left - (unsigned char)*right;
}

__attribute__((visibility("hidden"))) size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

__attribute__((visibility("hidden"))) int strncmp(const char *left, const char *right, size_t size)
{
    for (; size && *left && *left == *right; left++, right++, size--)
        ;
    return size ? (unsigned char)*left - (unsigned char)*right : 0;
}
