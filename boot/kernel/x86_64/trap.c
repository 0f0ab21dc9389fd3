/* Exceptions and interrupts. */
#include "base/clock.h"
#include "base/coroutine.h"
#include "base/log.h"
#include "base/report.h"
#include "base/work.h"
#include "entry.h"
#include "image/locate.h"
#include "layout.h"
#include "memory/guard.h"
#include "memory/page_table.h"
#include "memory/user.h"
#include "process/leave.h"
#include "process/process.h"
#include "stacks.h"

extern const char kernel_text_start[], kernel_end[];
/* The note that the linker made. */
extern const struct {
    uint32_t name_size, size, type;
    char name[4];
    uint8_t bytes[];
} kernel_build_id;

#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PAGE_FAULT 14
#define PAGE_PRESENT 1 /* in a page fault's error code */
#define BACKTRACE_MAX 16

static const char *const exception_names[] = {
    "division by zero", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound", "invalid instruction",
    "no FPU", "double fault", "FPU segment", "invalid task state", "segment not present", "stack fault",
    "general protection", "page fault", "reserved", "x87 error", "alignment", "machine check", "SIMD error",
};

static const char *exception_name(uint64_t vector)
{
    return vector < sizeof exception_names / sizeof *exception_names ? exception_names[vector] : "unknown exception";
}

/* True: the running thread's turn is over. */
static bool take_timer(void)
{
    timer_acknowledge();
    return scheduler_timer();
}

static void report_access(uint64_t error)
{
    const bool grows = !(error & PAGE_PRESENT) && space_grows_at(current_thread->space, cpu_fault_address());
    log_format(", %s at %x, %s", error & 16 ? "execute" : error & 2 ? "write" : "read", cpu_fault_address(),
               error & PAGE_PRESENT ? "not permitted" : grows ? "no memory left for it in its budget" : "not mapped");
}

struct trace {
    uint64_t address[BACKTRACE_MAX + 1];
    unsigned count;
};

/* Where it is, and return addresses by the chain of frame pointers. */
static void take_trace(struct process *process, const struct frame *frame, struct trace *trace)
{
    uint64_t link = frame->rbp;
    trace->address[0] = frame->rip;
    for (trace->count = 1; trace->count <= BACKTRACE_MAX; trace->count++) {
        uint64_t pair[2];
        if (!user_read(&process->space, pair, link, sizeof pair) || !pair[1])
            break;
        trace->address[trace->count] = pair[1];
        if (pair[0] <= link) {
            trace->count++;
            break;
        }
        link = pair[0];
    }
}

static void report_build_id(const uint8_t *build_id, uint32_t size)
{
    log_format(" build-id ");
    for (uint32_t i = 0; i < size; i++)
        log_format("%c%c", "0123456789abcdef"[build_id[i] >> 4], "0123456789abcdef"[build_id[i] & 15]);
}

/* A line for each file that has code in the trace: by its build-id the symbols are found, even from a saved log. */
static void report_files(struct process *process, const struct trace *trace)
{
    for (unsigned i = 0; i < trace->count; i++) {
        struct located located, before;
        bool is_known = !locate(&process->space, trace->address[i], &located);
        for (unsigned j = 0; j < i && !is_known; j++)
            is_known = locate(&process->space, trace->address[j], &before) && before.low == located.low;
        if (is_known)
            continue;
        log_format("kernel:   %x-%x %s+%x", located.low, located.high, boot_image_name(located.file), located.address);
        if (located.build_id)
            report_build_id(located.build_id, located.build_id_size);
        log_format("\n");
    }
}

static void report_backtrace(const struct trace *trace)
{
    log_format("kernel:   backtrace");
    for (unsigned i = 0; i < trace->count; i++)
        log_format(" %x", trace->address[i]);
    log_format("\n");
}

#define STACK_FRAME_MAX 65536 /* of one function: how far from its stack pointer it overflows the stack */
#define STACK_GUARD_MAX (1ull << 20)

/* The access was where nothing may be accessed, next to the stack pointer, and memory that is written begins above. */
static bool is_overflow(const struct thread *thread, const struct frame *frame)
{
    const uint64_t address = cpu_fault_address();
    if (frame->vector != VECTOR_PAGE_FAULT || address - frame->rsp + STACK_FRAME_MAX > 2 * STACK_FRAME_MAX)
        return false;
    const struct mapping *mapping = mappings_find(&thread->space->mappings, address);
    if (mapping && mapping->start <= address) {
        if (mapping->prot != PROT_NO_ACCESS)
            return false;
        mapping = mapping->next;
    }
    return mapping && mapping->prot == PROT_READ_WRITE && mapping->start - address <= STACK_GUARD_MAX;
}

static void report_overflow(const struct thread *thread)
{
    const struct process *process = thread->process;
    log_format("kernel: stack overflow of thread %u%s%s%s of %s (process %u)\n", thread->record.number,
               *thread->name ? " (" : "", thread->name, *thread->name ? ")" : "", process->record.name, process->record.number);
}

static void report_fault(const struct frame *frame)
{
    struct process *process = current_thread->process;
    struct trace trace;
    take_trace(process, frame, &trace);
    log_format("kernel: fault in %s (process %u): %s", process->record.name, process->record.number,
               exception_name(frame->vector));
    if (frame->vector == VECTOR_PAGE_FAULT)
        report_access(frame->error);
    log_format("\n");
    if (is_overflow(current_thread, frame))
        report_overflow(current_thread);
    report_files(process, &trace);
    log_format("kernel:   rip %x rsp %x rbp %x flags %x\n", frame->rip, frame->rsp, frame->rbp, frame->rflags);
    log_format("kernel:   rax %x rbx %x rcx %x rdx %x\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    log_format("kernel:   rsi %x rdi %x r8 %x r9 %x\n", frame->rsi, frame->rdi, frame->r8, frame->r9);
    log_format("kernel:   r10 %x r11 %x r12 %x r13 %x r14 %x r15 %x\n", frame->r10, frame->r11, frame->r12, frame->r13,
               frame->r14, frame->r15);
    report_backtrace(&trace);
}

/* True: the fault was a first touch of a page of the boot image. */
static bool touch(const struct frame *frame)
{
    return frame->vector == VECTOR_PAGE_FAULT && !(frame->error & PAGE_PRESENT) &&
           space_touch(current_thread->space, cpu_fault_address());
}

struct frame *trap_from_user(struct frame *frame)
{
    if (touch(frame))
        return frame;
    work_begin();
    if (frame->vector == VECTOR_TIMER) {
        if (take_timer())
            thread_yield();
        return kernel_leave();
    }
    if (frame->vector >= VECTOR_TIMER) {
        interrupt_dispatch((unsigned)frame->vector - VECTOR_TIMER);
        return kernel_leave();
    }
    if (page_guard.damage)
        return kernel_leave();
    if (signal_fault(current_thread, cpu_fault_address()))
        return kernel_leave();
    if (report_begins(current_thread->process->budget))
        report_fault(frame);
    process_end(current_thread->process, PROCESS_FAULTED, STATUS_FAULTED);
    return kernel_leave();
}

/* A stack grew into the page below it: a fault by an access, or a double fault for there was no room for the first. */
static bool is_stack_full(const struct frame *frame)
{
    uint64_t address = cpu_fault_address();
    return (frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_DOUBLE_FAULT) &&
           (address - (uint64_t)kernel_stack_guard < PAGE_SIZE || address - (uint64_t)coroutine_stack_guard < PAGE_SIZE);
}

/* The kernel's own, as long as the links lead up its stack. */
static void take_kernel_trace(const struct frame *frame, struct trace *trace)
{
    uint64_t link = frame->rbp, low = frame->rsp;
    uint64_t end = (uint64_t)(coroutine_runs ? (const char *)coroutine_stack + STACK_SIZE : kernel_stack_end);
    trace->address[0] = frame->rip;
    for (trace->count = 1; trace->count <= BACKTRACE_MAX; trace->count++) {
        if (link < low || link % 8 || link > end - 2 * sizeof(uint64_t))
            break;
        const uint64_t *pair = (const uint64_t *)link;
        trace->address[trace->count] = pair[1];
        low = link + 1;
        link = pair[0];
    }
}

/* A fault of the kernel's, which ends the machine: with place and build-id, as faults of processes have them. */
static void report_kernel(const struct frame *frame)
{
    struct trace trace;
    take_kernel_trace(frame, &trace);
    log_format("kernel:   %x-%x kernel+%x", kernel_text_start, kernel_end, kernel_text_start - kernel_layout.base);
    report_build_id(kernel_build_id.bytes, kernel_build_id.size);
    log_format("\n");
    report_backtrace(&trace);
}

void trap_from_kernel(struct frame *frame)
{
    if (frame->vector == VECTOR_TIMER)
        take_timer();
    else if (frame->vector > VECTOR_TIMER)
        interrupt_dispatch((unsigned)frame->vector - VECTOR_TIMER);
    else {
        report_kernel(frame);
        if (is_stack_full(frame))
            panic("the kernel's stack is full, rip %x, rsp %x", frame->rip, frame->rsp);
        panic("%s in the kernel, error %x, rip %x, address %x, rsp %x", exception_name(frame->vector), frame->error,
              frame->rip, cpu_fault_address(), frame->rsp);
    }
}
