/* Numbers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of Ed25519's base point: four words,
 * least first. */
#ifndef ED25519_SCALAR_H
#define ED25519_SCALAR_H
#include <stdbool.h>
#include <stdint.h>

#define SCALAR_SIZE 32
#define SCALAR_WIDE_SIZE 64

struct scalar {
    uint64_t word[4];
};

#pragma GCC visibility push(hidden)

/* False: the number is not below L. */
bool scalar_read(struct scalar *out, const uint8_t bytes[SCALAR_SIZE]);
/* The rest of a number of 512 bits by L. */
struct scalar scalar_remainder(const uint8_t bytes[SCALAR_WIDE_SIZE]);

#pragma GCC visibility pop
#endif
