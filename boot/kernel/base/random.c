#include "base/random.h"

#include <hostlink/split_mix.h>

static uint64_t state;

void random_init(uint64_t seed)
{
    state = seed;
}

uint64_t random_next(void)
{
    return split_mix(&state);
}
