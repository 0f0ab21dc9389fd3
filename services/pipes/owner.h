/* Whose bounds a client has: its manifest entry's, however many processes that has or had. */
#ifndef OWNER_H
#define OWNER_H
#include "end.h"

/* By the badge that names gave, the number of its process. NULL: *status is why. */
struct owner *owner_of(uint64_t client, int64_t *status);
#endif
