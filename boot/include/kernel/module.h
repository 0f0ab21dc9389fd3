/* What the kernel offers to its modules; boot/kernel/kernel.abi lists the symbols. A module is a shared object whose
 * constructors run when it is loaded, with interrupts off and on the kernel's stack; it is never unloaded. */
#ifndef KERNEL_MODULE_H
#define KERNEL_MODULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The log: %s, %d (int64_t), %u (uint64_t), %x (uint64_t, 0x...), %c. */
void log_format(const char *format, ...);
/* From now on each character of the log goes to `put`, and first what came before. "\n" is preceded by "\r". */
void log_sink_set(void (*put)(char c));

/* Seconds since 1970-01-01 00:00 UTC at this moment. */
void wall_clock_set(uint64_t seconds);

/* From now on `handler` is called when a line of the interrupt controllers asks, 1 to 15 (0 is the kernel's own timer), with
 * interrupts off. One handler for a line. */
void interrupt_attach(unsigned line, void (*handler)(void));

/* Keys. A byte that is put in where there is no room is lost: ask before. */
bool input_has_room(void);
void input_put(uint8_t byte);
/* `refill` is called, with interrupts off, when there is room again after there was none. */
void input_source_set(void (*refill)(void));
#endif
