/* What every file of checks uses: comparing, counting, and statements that must fault. */
#ifndef CHECK_H
#define CHECK_H
#include <stdbool.h>
#include <stdint.h>

#include "conformance.h"

struct frame;

#define VECTOR_DIVIDE 0
#define VECTOR_DEBUG 1
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID 6
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
/* In a page fault's error code. */
#define PRESENT 1
#define WRITE 2
#define FETCH 16

/* Counts the check; a failed one is a line of the console. */
void check(const char *name, uint64_t got, uint64_t wanted);
/* Likewise; `got` must be within an eighth of `wanted`: for what is measured by time. */
void check_near(const char *name, uint64_t got, uint64_t wanted);
/* So many checks are left out: CPUID does not promise what they are about. */
void check_absent(unsigned count);
_Noreturn void check_finish(void);

/* The last fault that was expected; NO_FAULT: there was none. */
extern volatile uint64_t fault_vector, fault_error, fault_address, fault_rip, fault_with_ac;
/* Where execution goes on after the next fault, which is expected then; 0: none is. */
extern volatile uint64_t fault_continue;

/* Note an expected fault, and go on behind it. */
void fault_note(struct frame *frame);
/* No fault came yet. */
void fault_forget(void);

/* Run one statement of assembly that must fault; execution goes on behind it. */
#define EXPECT_FAULT(assembly)                                                                        \
    do {                                                                                              \
        fault_forget();                                                                               \
        __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\t" assembly "\n1:"                \
                         : "=m"(fault_continue)                                                       \
                         :                                                                            \
                         : "rax", "rcx", "rdx", "memory");                                            \
    } while (0)

/* The error code of an access by the kernel; NO_FAULT: it was let through. */
uint64_t error_of_write(volatile void *address);
uint64_t error_of_read(uint64_t address);
/* `jmp *%rax` must lie there. */
uint64_t error_of_jump(uint64_t address);

bool has(enum protection which);
/* The machine is QEMU without KVM, which is known to differ from the manual here and there. */
bool check_is_tcg(void);
uint64_t read_flags(void);

/* Physical memory that the kernel keeps read-only for ever. */
#define FIXED_START 0x900000
#define FIXED_END 0x903000

/* Two frames for all checks; between checks they begin with PATTERN_A and PATTERN_B. */
extern uint64_t page_a, page_b;
/* Map a page of a table, in place of what was mapped there; there is memory for it, or the machine ends. */
void map(uint64_t table, uint64_t address, uint64_t frame, unsigned prot);
/* The entry of a page; NULL: a table is missing on the way. */
volatile uint64_t *bottom_entry(uint64_t table, uint64_t address);
#endif
