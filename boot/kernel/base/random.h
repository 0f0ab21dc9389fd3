/* Random numbers that follow from a seed. Every process sees some of them; they reveal nothing of the others. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
#include <stdint.h>

void random_init(uint64_t seed);
/* Let the numbers from now on follow from this one, too. */
void random_stir(uint64_t entropy);
uint64_t random_next(void);
#endif
