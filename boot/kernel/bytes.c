/* Byte runs. The compiler may call the last four by itself, so they have the C library's names. */
#include "kernel.h"

void *memory_copy(void *to, const void *from, size_t size)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memory_fill(void *to, int value, size_t size)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return start;
}

int memory_compare(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

void *memcpy(void *to, const void *from, size_t size) { return memory_copy(to, from, size); }
void *memset(void *to, int value, size_t size) { return memory_fill(to, value, size); }
int memcmp(const void *left, const void *right, size_t size) { return memory_compare(left, right, size); }

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if (target <= source)
        return memory_copy(to, from, size);
    while (size--)
        target[size] = source[size];
    return to;
}
