/* The two contexts of ring 3, and what they ask of the kernel. */
#ifndef CONTEXTS_H
#define CONTEXTS_H
#include "cpu.h"

/* Make both; the frame of the first. */
struct frame *contexts_start(void);
/* The other one runs from now on; its frame. */
struct frame *context_switch(void);
/* Give the running context a page that it touches for the first time; false: the address is none of those. */
bool context_demand(uint64_t address);
/* Whether each tick switches. */
extern bool contexts_preempted;
/* Of the timer, so far. */
extern volatile uint64_t ticks;
#endif
