/* Keys: bytes that a driver puts in, in their order, and that threads take (<kernel/module.h>). */
#ifndef OBJECT_INPUT_H
#define OBJECT_INPUT_H
#include <stdbool.h>
#include <stdint.h>

#include "object/endpoint.h"

/* The next byte; where there is none, the running thread waits for it, and its call's result is the byte. */
int64_t input_take(void);
/* 1: a byte is there. 0: the endpoint is signalled once, with bit 0, when one comes; the last to ask no more for it says so by
 * input_forget. STATUS_LIMIT: as many are to be signalled as can be. */
int64_t input_watch(struct endpoint *endpoint);
void input_forget(const struct endpoint *endpoint);

/* A collection begins, and reaches the processes of threads that wait for keys, as queue_reach does. */
void input_reach_begin(void);
bool input_reach(void);
#endif
