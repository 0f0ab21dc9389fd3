/* A kernel that checks the machine it runs on: what a CPU and its devices must do, as kernels rely on it. Every machine
 * must pass the same checks; each failed one is a line "FAIL ...".
 *
 * It shares entry code, descriptor tables, page tables and log with the real kernel. */
#include "base/log.h"
#include "base/random.h"
#include "check.h"
#include "checks.h"
#include "contexts.h"
#include "devices.h"
#include "entry.h"
#include "layout.h"
#include "memory/frames.h"
#include "memory/page_table.h"

extern char kernel_end[];

void serial_start(void); /* of the driver */

#define TIMER_RELOAD 11932 /* 10 ms */

static void tick(void)
{
    ticks++;
    timer_acknowledge();
}

struct frame *trap_from_user(struct frame *frame)
{
    if (frame->vector == VECTOR_TIMER) {
        tick();
        return contexts_preempted ? context_switch() : frame;
    }
    uint64_t address = cpu_fault_address();
    if (frame->vector == VECTOR_PAGE_FAULT && !(frame->error & PRESENT) && context_demand(address))
        return frame;
    if (fault_continue) {
        fault_note(frame);
        return frame;
    }
    panic("unexpected vector %u from ring 3, error %x, rip %x, address %x", frame->vector, frame->error, frame->rip,
          address);
}

void trap_from_kernel(struct frame *frame)
{
    if (frame->vector == VECTOR_TIMER)
        tick();
    else if (fault_continue)
        fault_note(frame);
    else
        panic("unexpected vector %u in ring 0, error %x, rip %x, address %x", frame->vector, frame->error, frame->rip,
              cpu_fault_address());
}

uint64_t kernel_place(uint32_t information, uint32_t magic)
{
    (void)information, (void)magic;
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    /* All machines have this much; the memory map is the real kernel's business. */
    frames_add_region(PAGE_UP((uint64_t)kernel_end), 16 << 20);
    frames_ready();
    uint64_t number;
    cpu_entropy(&number);
    random_init(number);
    return page_table_init(FIXED_START, FIXED_END);
}

void kernel_main(void)
{
    page_table_enter();
    serial_start();
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    page_a = frame_alloc();
    page_b = frame_alloc();
    cpu_set_page_table(page_table_create());
    checks_run();
    interrupts_init();
    timer_load(0, 2, TIMER_RELOAD);
    frame_resume(contexts_start());
}
