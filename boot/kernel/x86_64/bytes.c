/* Byte runs, eight bytes at a time: an emulator executes string instructions step by step. The last ones have
 * the C library's names: the compiler calls some by itself, and code that the kernel shares with others all of them. */
#include "base/bytes.h"

#include <stdint.h>

#include "base/page.h"

typedef uint64_t unaligned_u64 __attribute__((aligned(1), may_alias));

void *memory_copy(void *to, const void *from, size_t size)
{
    void *start = to;
    size_t words = size / 8, rest = size % 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return start;
}

#define HALF_PAGE 2048

/* Sixteen bytes at a time, in a loop whose own steps hardly count: the emulators count, and execute, each step of a string
 * instruction. The register is the running thread's. */
void page_clear(void *page)
{
    uint8_t kept[16];
    void *end = (uint8_t *)page + PAGE_SIZE;
    __asm__ volatile("movups %%xmm0, %[kept]\n\t"
                     "pxor %%xmm0, %%xmm0\n"
                     "1:\n\t"
                     ".set at, 0\n\t"
                     ".rept %c[half] / 16\n\t"
                     "movaps %%xmm0, at(%[page])\n\t"
                     ".set at, at + 16\n\t"
                     ".endr\n\t"
                     "addq %[half], %[page]\n\t"
                     "cmpq %[end], %[page]\n\t"
                     "jne 1b\n\t"
                     "movups %[kept], %%xmm0"
                     : [kept] "=m"(kept), [page] "+r"(page)
                     : [end] "r"(end), [half] "i"(HALF_PAGE)
                     : "memory", "cc");
}

void *memory_fill(void *to, int value, size_t size)
{
    void *start = to;
    size_t words = size / 8, rest = size % 8;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return start;
}

int memory_compare(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    size_t i = 0;
    while (i + 8 <= size && *(const unaligned_u64 *)(a + i) == *(const unaligned_u64 *)(b + i))
        i += 8;
    for (; i < size; i++)
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

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return (uint8_t)*left - (uint8_t)*right;
}

int strncmp(const char *left, const char *right, size_t size)
{
    for (; size && *left && *left == *right; size--)
        left++, right++;
    return size ? (uint8_t)*left - (uint8_t)*right : 0;
}
