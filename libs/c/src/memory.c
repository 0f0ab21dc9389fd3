/* memcpy and memmove, which the musl tree in the compiler's wheel leaves out. Eight bytes at a time where
 * both runs allow it; -fno-builtin keeps the compiler from turning the loops into calls of themselves. */
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word;

/* Ascending; right for overlapping runs too where the target lies below the source, so no restrict here. */
static void *copy_forward(void *to, const void *from, size_t size)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    for (; size >= 4 * sizeof(word); size -= 4 * sizeof(word)) {
        word a = ((const word *)source)[0], b = ((const word *)source)[1];
        word c = ((const word *)source)[2], d = ((const word *)source)[3];
        ((word *)target)[0] = a;
        ((word *)target)[1] = b;
        ((word *)target)[2] = c;
        ((word *)target)[3] = d;
        source += 4 * sizeof(word);
        target += 4 * sizeof(word);
    }
    for (; size >= sizeof(word); size -= sizeof(word)) {
        *(word *)target = *(const word *)source;
        source += sizeof(word);
        target += sizeof(word);
    }
    while (size--)
        *target++ = *source++;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return copy_forward(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target == source)
        return to;
    if ((uintptr_t)target - (uintptr_t)source >= size)
        return copy_forward(to, from, size);
    for (; size >= sizeof(word); size -= sizeof(word)) {
        word value = *(const word *)(source + size - sizeof(word));
        *(word *)(target + size - sizeof(word)) = value;
    }
    while (size--)
        target[size] = source[size];
    return to;
}
