/* Random numbers for hosts that have a seed and no better source: SplitMix64. */
#ifndef HOSTLINK_SPLIT_MIX_H
#define HOSTLINK_SPLIT_MIX_H
#include <stdint.h>

/* The same state gives the same numbers. */
static inline uint64_t split_mix(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}
#endif
