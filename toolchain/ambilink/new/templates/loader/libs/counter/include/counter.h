/* A library that needs all that a loader does: relocations, a constructor, thread-local storage. */
#ifndef COUNTER_H
#define COUNTER_H

/* 1000 times the constructor's calls, plus how often this thread called. */
int counter_next(void);
#endif
