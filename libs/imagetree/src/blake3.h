/* BLAKE3 (the specification's hash mode) of whole blocks, for pages: 4 KiB are four chunks of 1 KiB, which are hashed side by
 * side, one in each lane of a vector register. So it takes half the instructions of BLAKE2b, and needs no extension of the
 * processor: on x86-64 SSE2 is a part of it. The `blake3` package and `b3sum` agree.
 *
 * It uses vector registers even in a kernel that is compiled without: the caller keeps what they hold for others. */
#ifndef IMAGETREE_BLAKE3_H
#define IMAGETREE_BLAKE3_H
#include <stdint.h>

#define BLAKE3_SIZE 32
#define BLAKE3_BLOCK 64

#pragma GCC visibility push(hidden)

/* Of the first blocks of a page, at most 64. The whole page is readable. */
void blake3(const uint8_t *page, unsigned blocks, uint8_t digest[BLAKE3_SIZE]);

#pragma GCC visibility pop
#endif
