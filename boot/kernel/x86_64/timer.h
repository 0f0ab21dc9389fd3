/* The machine's timer: it counts, and interrupts once after so many counts. There is no tick. */
#ifndef X86_64_TIMER_H
#define X86_64_TIMER_H
#include <stdint.h>

#define TIMER_FREQUENCY 1193182 /* counts in a second */
/* It must be read once in 65,536 counts, or loses so many: an interrupt comes twice in that time, whatever else is due. */
#define TIMER_SPAN_MAX 32768

/* It counts; no interrupt is due. */
void timer_init(void);
/* Counts since timer_init. */
uint64_t timer_counts(void);
/* Interrupt (VECTOR_TIMER) when so many counts have passed, TIMER_SPAN_MAX at most, and not when it was armed for before. */
void timer_arm(uint64_t span);
#endif
