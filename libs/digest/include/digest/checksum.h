/* XXH64 (Collet, "xxHash fast digest algorithm", specification 0.1.1): a checksum of 64 bits against damage, at less than
 * one instruction for a byte. It does not resist who wants to deceive; that is what BLAKE2b is for. */
#ifndef DIGEST_CHECKSUM_H
#define DIGEST_CHECKSUM_H
#include <stddef.h>
#include <stdint.h>

uint64_t checksum64(const void *data, size_t size, uint64_t seed);
#endif
