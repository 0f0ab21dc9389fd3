#ifndef COLOUR_H
#define COLOUR_H

extern int colour_order;
extern int (*const colour_functions[2])(int);
extern _Thread_local long colour_local __attribute__((aligned(64)));

int colour_of_shape(void);
#endif
