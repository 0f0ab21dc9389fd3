/* What the programs of third-party libraries share: bytes to work on, and a short word for many bytes. */
#ifndef SAMPLE_H
#define SAMPLE_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* FNV-1a, 64 bits. */
static inline uint64_t digest(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* Text-like bytes that compress to about a third; the same on every machine. */
static inline void fill_sample(uint8_t *bytes, size_t size)
{
    static const char *const words[] = {"kernel ", "loader ", "service ", "page ", "of ", "a ", "library, ", "shared\n"};
    uint32_t state = 2024;
    for (size_t i = 0; i < size;) {
        state = state * 1664525u + 1013904223u;
        for (const char *letter = words[state >> 29]; *letter && i < size; letter++)
            bytes[i++] = (uint8_t)*letter;
        if ((state >> 20 & 31) == 0 && i < size)
            bytes[i++] = (uint8_t)(state >> 8);
    }
}

/* Ends the program where something is not as it must be. */
static inline void require(int holds, const char *what)
{
    if (holds)
        return;
    printf("failed: %s\n", what);
    exit(1);
}
#endif
