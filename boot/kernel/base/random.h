/* Addresses and seeds: SplitMix64, so the same seed gives the same numbers. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
#include <stdint.h>

void random_init(uint64_t seed);
uint64_t random_next(void);
#endif
