/* Keys: bytes that a driver puts in, in their order, and that threads take (<kernel/module.h>). */
#ifndef OBJECT_INPUT_H
#define OBJECT_INPUT_H
#include <stdbool.h>
#include <stdint.h>

/* The next byte; where there is none, the running thread waits for it, and its call's result is the byte. */
int64_t input_take(void);

/* As scheduler_reach, for threads that wait for keys. */
bool input_reach(bool begin);
#endif
