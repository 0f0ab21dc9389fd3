/* Processes that this one started and waits for. */
#ifndef POSIX_CHILDREN_H
#define POSIX_CHILDREN_H
#include <ambilink/abi.h>
#include <stdbool.h>

struct posix_spawn_with;

#pragma GCC visibility push(hidden)
/* Ask the loader service, by a request LOADER_START: its number; or a status. */
long child_start(struct message *request);
/* It ended, and was not waited for. */
bool child_is_left(long number);
long child_spawn(const char *path, char *const *arguments, char *const *environment, const struct posix_spawn_with *with);
#pragma GCC visibility pop
#endif
