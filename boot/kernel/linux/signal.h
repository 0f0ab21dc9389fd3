/* Linux' calls on signals, of which none ever comes: what a program may ask for is what it has already. Results are
 * Linux'. */
#ifndef LINUX_SIGNAL_H
#define LINUX_SIGNAL_H
#include <stdint.h>

/* Handlers are refused. */
int64_t linux_sigaction(uint64_t signal, uint64_t action_user, uint64_t old_user, uint64_t set_size);
/* The set of blocked signals is empty: to block one is no change that a program could see, and is not kept. */
int64_t linux_sigprocmask(uint64_t how, uint64_t set_user, uint64_t old_user, uint64_t set_size);
#endif
