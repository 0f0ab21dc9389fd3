#include "process/leave.h"

#include "base/log.h"
#include "object/endpoint.h"
#include "process/collect.h"
#include "process/process.h"

bool leftover_work(void)
{
    /* Each may leave more to the others. */
    while (work_waiting && work_left) {
        if (collect_is_ending()) {
            collect();
            continue;
        }
        if (sleepers_are_left)
            scheduler_wake_sleepers();
        objects_destroy();
        endpoints_work();
        processes_work();
    }
    return !work_waiting;
}

/* Until an interrupt. Only the timer and keys wake threads: where none waits for them, none will ever run again. */
static void idle(void)
{
    if (!scheduler_waits()) {
        log_format("kernel: deadlock: every thread waits for another one\n");
        machine_end(VERDICT_FAIL);
    }
    scheduler_idles();
    cpu_wait_for_interrupt();
    scheduler_goes_on();
}

struct frame *kernel_work_and_leave(void)
{
    for (;;) {
        bool is_done = leftover_work();
        struct frame *frame = schedule();
        if (frame && (!signal_is_due(current_thread) || signal_take(current_thread)))
            return frame;
        if (frame) {
            process_end(current_thread->process, PROCESS_FAULTED, STATUS_FAULTED);
            continue;
        }
        if (cpu_interrupt_waits())
            cpu_wait_for_interrupt();
        else if (is_done && work_left && collection_waits())
            collect();
        else if (is_done && work_left)
            idle();
        work_begin();
    }
}
