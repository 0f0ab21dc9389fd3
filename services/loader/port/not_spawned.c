/* The kernel starts the loader: no program gives it arguments and descriptors, and it does without what takes them in. */
#include <stdint.h>

uint64_t *given_take(uint64_t *stack);

uint64_t *given_take(uint64_t *stack)
{
    return stack;
}
