/* Reports of the kernel's about what processes do wrong. No process fills the log with them: of what the processes of a
 * budget do that the machine gave (base/budget.h), and of all that they start out of it, and when they are started again,
 * REPORTS_MAX are logged. Then a line says that more are left out; it comes again at 64, 128, 256, ... of them. */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H
#include <stdbool.h>

#include "base/budget.h"

#define REPORTS_MAX 16

/* True: the report may be logged. */
bool report_begins(const struct budget *budget);
#endif
