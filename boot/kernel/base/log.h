/* The kernel's log, and the machine's end. Formatted text and drivers: <kernel/module.h>. */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include <kernel/module.h>
#include <stddef.h>
#include <stdint.h>

/* "\n" is preceded by "\r". Without a driver, the first 16 KiB are kept for one. */
void log_text(const char *text, size_t size);

/* End the machine with VERDICT_PASS or VERDICT_FAIL. What no driver took goes to the serial line first. */
_Noreturn void machine_end(uint8_t verdict);

/* Called first, unless the end is a panic. The kernel does not define it: a test's kernel does, to check itself. */
__attribute__((weak)) void machine_ends(void);

/* Log "kernel: panic: ..." and end the machine with VERDICT_FAIL: only where no process can get the error. */
_Noreturn void panic(const char *format, ...);
#endif
