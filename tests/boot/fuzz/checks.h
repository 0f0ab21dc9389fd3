/* What holds whenever the kernel is left: for each process, thread, mapping and handle. */
#ifndef FUZZ_CHECKS_H
#define FUZZ_CHECKS_H
#include <stdint.h>

/* What does not hold is a panic. */
void check_everything(void);
/* Of all processes. */
uint64_t count_handles(void);
#endif
