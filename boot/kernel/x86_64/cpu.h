/* The processor: descriptor tables, model-specific registers, ports, interrupt controller, timer. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H
#include <ambilink/abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

/* User registers as entry.S saves them. `vector` is VECTOR_SYSTEM_CALL after the instruction syscall. */
struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* A thread takes a signal: its registers, as <ambilink/abi.h> lists them; where it runs next, on a stack, with an argument;
 * and back. False: no user address to go on at. The rest of the frame, and flags that are not the user's, stay. */
void frame_save(const struct frame *frame, uint64_t registers[SIGNAL_REGISTERS]);
void frame_enter(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument);
/* It is of a call, whose result is to be set; not so once the thread is elsewhere. */
static inline bool frame_is_call(const struct frame *frame)
{
    return frame->vector == VECTOR_SYSTEM_CALL;
}
/* A system call goes on elsewhere in user mode, with all registers as they were but rcx, which has where it returns to. */
void frame_pass_on(struct frame *frame, uint64_t entry);
bool frame_restore(struct frame *frame, const uint64_t registers[SIGNAL_REGISTERS]);

#define KERNEL_ELF_MACHINE 62 /* EM_X86_64 */
#define FPU_STATE_SIZE 512

/* Where traps and system calls enter, and the end of the stack that their C code runs on: of entry.h. From now on SMEP,
 * SMAP and UMIP are on, as far as the processor has them. */
void cpu_init(const char *trap_stubs, const char *system_call_entry, const char *stack_end);

/* The frame that traps from user mode fill from now on. */
void cpu_set_frame(struct frame *frame);
void cpu_set_page_table(uint64_t physical);
uint64_t cpu_page_table(void);
void cpu_set_thread_pointer(uint64_t base);
void cpu_flush_page(uint64_t address);
void cpu_fpu_save(uint8_t state[FPU_STATE_SIZE]);
void cpu_fpu_load(const uint8_t state[FPU_STATE_SIZE]);
void cpu_fpu_reset(uint8_t state[FPU_STATE_SIZE]);
uint64_t cpu_fault_address(void);
/* *number is different each time: from the processor's source of random numbers, its clock, and how long accesses to
 * devices take. False: the processor has no such source, or it fails, and who knows the machine can guess the number. */
bool cpu_entropy(uint64_t *number);

/* An interrupt waits to be let in. */
bool cpu_interrupt_waits(void);
/* Let interrupts in once, wait for one, and keep them out again. */
void cpu_wait_for_interrupt(void);

/* A frame that begins a thread in user mode; its result is what a system call returns. */
void frame_init_user(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument);
static inline int64_t frame_result(const struct frame *frame)
{
    return (int64_t)frame->rax;
}
static inline void frame_set_result(struct frame *frame, int64_t result)
{
    frame->rax = (uint64_t)result;
}

/* Number and arguments of the system call that a frame is of, and the way back to make it once more. */
#define CALL_WORDS 7
void frame_call(const struct frame *frame, uint64_t call[CALL_WORDS]);
void frame_call_again(struct frame *frame);

/* The interrupt controllers let the timer in, and what interrupt_attach adds (<kernel/module.h>). */
void interrupts_init(void);
/* The timer's interrupt was taken. */
void timer_acknowledge(void);

/* An interrupt of a line other than the timer's: call its handler (<kernel/module.h>). A spurious one has none. */
#define INTERRUPT_LINES 16
void interrupt_dispatch(unsigned line);

/* Write to the serial line as it is, without a driver. */
void last_words_put(char c);

/* Leave by the debug-exit port, at once: machine_end of base/log.h ends the log before. */
_Noreturn void machine_exit(uint8_t code);
#endif
