/* A program with a malloc of its own, which libc uses too: tests/boot/test_opening.py. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (1 << 20)

static char heap[ROOM] __attribute__((aligned(4096)));
static size_t used;
static unsigned foreign; /* blocks of another malloc that came back here */

/* The size lies before the block. */
static void *take(size_t size, size_t align)
{
    align = align < 16 ? 16 : align;
    size_t at = (used + sizeof size + align - 1) & -align;
    if (size > ROOM - at)
        return NULL;
    used = at + size;
    memcpy(heap + at - sizeof size, &size, sizeof size);
    return heap + at;
}

static bool is_mine(const void *block)
{
    return (uintptr_t)block - (uintptr_t)heap < ROOM;
}

size_t malloc_usable_size(void *block)
{
    size_t size;
    memcpy(&size, (char *)block - sizeof size, sizeof size);
    return size;
}

void *malloc(size_t size)
{
    return take(size, 0);
}

void *calloc(size_t count, size_t size)
{
    return take(count * size, 0);
}

void free(void *block)
{
    foreign += block && !is_mine(block);
}

void *realloc(void *block, size_t size)
{
    void *larger = take(size, 0);
    if (block && !is_mine(block))
        foreign++;
    else if (block && larger)
        memcpy(larger, block, malloc_usable_size(block) < size ? malloc_usable_size(block) : size);
    return larger;
}

#ifndef MALLOC_ALONE
void *aligned_alloc(size_t align, size_t size)
{
    return take(size, align);
}

void *memalign(size_t align, size_t size)
{
    return take(size, align);
}

int posix_memalign(void **block, size_t align, size_t size)
{
    return (*block = take(size, align)) ? 0 : 12;
}
#endif

int main(void)
{
    char *text = NULL, *line = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "%0500d", 5);
    fclose(stream);
    int length = asprintf(&line, "%s", text);
    char *copy = strdup(line), *part = strndup(line, 3);
    printf("%d: %d %d %d %d\n", length, is_mine(text), is_mine(line), is_mine(copy), is_mine(part));
    void *block = NULL, *volatile aligned = aligned_alloc(256, 256);
    int status = posix_memalign(&block, 64, 64);
#ifdef MALLOC_ALONE /* libc's would take its own blocks for libc's: it refuses */
    printf("%d %d\n", aligned != NULL, status != 0);
#else
    printf("%d %d %d\n", is_mine(aligned), status, is_mine(block));
    free(aligned);
    free(block);
#endif
    free(text);
    free(line);
    free(copy);
    free(part);
    printf("%u foreign\n", foreign);
    return 0;
}
