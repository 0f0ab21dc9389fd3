#pragma once

#include <stddef.h>

extern _Thread_local int level; /* defined here, used by programs */
extern int (*const compare_backwards)(const void *, const void *);

size_t aligned_local(void); /* the address of a thread-local variable, modulo its alignment */
int next_ticket(void);      /* counted for each thread */
int hook(void);             /* what the program's `optional_hook` answers, or -1 without one */
int prepared(void);         /* by a constructor, from what the library below it has */
