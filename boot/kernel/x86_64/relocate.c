/* By the table that the linker made (.relr.dyn): an address, then bits for the 63 words behind what was listed last. */
#include "relocate.h"

#include <stddef.h>

extern const uint64_t kernel_relr_start[], kernel_relr_end[];

void relocate_kernel(uint64_t distance)
{
    uint64_t *next = NULL;
    for (const uint64_t *entry = kernel_relr_start; entry < kernel_relr_end; entry++) {
        if (!(*entry & 1)) {
            next = (uint64_t *)*entry;
            *next++ += distance;
            continue;
        }
        for (uint64_t bits = *entry >> 1; bits; bits &= bits - 1)
            next[__builtin_ctzll(bits)] += distance;
        next += 63;
    }
}
