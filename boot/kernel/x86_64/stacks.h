/* The stacks of entry.S: the kernel's, and the coroutine's. Below each lies a page that is not mapped. */
#ifndef X86_64_STACKS_H
#define X86_64_STACKS_H
#include <stdint.h>

#include "layout.h"

extern const char kernel_stack_guard[], coroutine_stack_guard[];
extern uint64_t coroutine_stack[STACK_SIZE / sizeof(uint64_t)];

/* Save what C code expects to be kept, and go on with the other stack, which did the same; *stack is the pointer of that
 * one, and then of this one. */
void stack_change(uint64_t **stack);
#endif
