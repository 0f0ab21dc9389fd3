/* The way out of the kernel. */
#ifndef PROCESS_LEAVE_H
#define PROCESS_LEAVE_H
#include <stddef.h>

#include "base/work.h"
#include "memory/guard.h"
#include "object/signal.h"
#include "object/thread.h"
#include "process/process.h"

/* A step of the work that was left for later, then the frame of the thread to run. Where none is ready, the rest of
 * that work, and the wait for one. When every thread waits for another one, the machine ends. */
struct frame *kernel_work_and_leave(void);

/* At the end of each entry. Inline: most have left no work. */
static inline struct frame *kernel_leave(void)
{
    if (page_guard.damage)
        process_end_damaged();
    struct frame *frame = work_waiting ? NULL : schedule();
    return frame && !signal_is_due(current_thread) ? frame : kernel_work_and_leave();
}

/* A step of the work that was left, within what work_left allows. True: all is done. */
bool leftover_work(void);
#endif
