/* Keys: bytes that a driver puts in, in their order, and that threads take (<kernel/module.h>). */
#ifndef OBJECT_INPUT_H
#define OBJECT_INPUT_H
#include <stdbool.h>
#include <stdint.h>

/* The next byte; where there is none, the running thread waits for it, and its call's result is the byte. */
int64_t input_take(void);

/* A collection begins, and reaches the processes of threads that wait for keys, as queue_reach does. */
void input_reach_begin(void);
bool input_reach(void);
#endif
