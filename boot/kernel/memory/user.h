/* Copies between the kernel, or a space, and a space. False: a page is not there, or not writable; the bytes before it
 * were copied. */
#ifndef MEMORY_USER_H
#define MEMORY_USER_H
#include <stdbool.h>

#include "memory/space.h"

bool user_read(struct space *space, void *to, uint64_t from, uint64_t size);
bool user_write(struct space *space, uint64_t to, const void *from, uint64_t size);
bool user_copy(struct space *to_space, uint64_t to, struct space *from_space, uint64_t from, uint64_t size);
#endif
