/* In the kernel test-kernel-checked: its books are balanced at one switch of threads in so many. */
#include <stdint.h>

extern const uint64_t switches_between_checks;
const uint64_t switches_between_checks = 16;
