/* The debug registers (Intel volume 3B, 17.2 and 17.3), in ring 0. */
#include "check.h"
#include "checks.h"

#define STATUS_STEP 0x4000u
#define STATUS_DETECTED 0x2000u
#define STATUS_CAUSES 0xe00fu
#define STATUS_NEWER 0x10800u /* bits of processors with RTM or detection of bus locks */
#define STATUS_RESET 0xffff0ff0u
#define CONTROL_RESET 0x400u
#define CONTROL_DETECT 0x2000u
#define CR4_DEBUG_EXTENSIONS 8u

enum kind { EXECUTED, WRITTEN, PORT, ACCESSED };

static uint8_t watched[64] __attribute__((aligned(64)));
static uint8_t *const middle = watched + 32;
/* Of the last TRY: DR6 and DR7, RCX, where the instruction begins, and where it ends. */
static volatile uint64_t status, control, count, start, end;

#define SET_DEBUG(number, value) __asm__ volatile("movq %0, %%dr" #number : : "r"((uint64_t)(value)) : "memory")
#define GET_DEBUG(number, value) __asm__ volatile("movq %%dr" #number ", %0" : "=r"(value))

/* After the preparation DR7 is set, and the instruction executed, with an address in rbx. */
#define TRY(wanted, address, preparation, instruction)                                                     \
    do {                                                                                                   \
        uint64_t found = (wanted), counter, after;                                                         \
        fault_forget();                                                                                    \
        SET_DEBUG(6, 0);                                                                                   \
        __asm__ volatile("leaq 3f(%%rip), %%rdx\n\tmovq %%rdx, %3\n\t"                                     \
                         "leaq 1f(%%rip), %%rdx\n\tmovq %%rdx, %4\n\t"                                     \
                         "leaq 2f(%%rip), %%rdx\n\tmovq %%rdx, %5\n\t"                                     \
                         preparation "\n\tmovq %%rax, %%dr7\n"                                             \
                         "1:\t" instruction "\n2:\tnop\n"                                                  \
                         "3:\tmovq %%dr7, %%rdx\n\txorl %%eax, %%eax\n\tmovq %%rax, %%dr7"                 \
                         : "+a"(found), "=d"(after), "=c"(counter), "=m"(fault_continue), "=m"(start),     \
                           "=m"(end)                                                                       \
                         : "b"(address)                                                                    \
                         : "rsi", "rdi", "cc", "memory");                                                  \
        fault_continue = 0;                                                                                \
        GET_DEBUG(6, found);                                                                               \
        status = found & STATUS_CAUSES;                                                                    \
        control = after;                                                                                   \
        count = counter;                                                                                   \
    } while (0)

#define WRITE8 "movb $1, (%%rbx)"
#define READ8 "movb (%%rbx), %%cl"

/* DR7 for a breakpoint of so many bytes. */
static uint64_t breakpoint(unsigned number, enum kind kind, unsigned bytes)
{
    uint64_t length = bytes == 8 ? 2 : bytes - 1;
    return CONTROL_RESET | 1ull << 2 * number | (uint64_t)kind << (16 + 4 * number) | length << (18 + 4 * number);
}

static void set_debug_extensions(bool on)
{
    uint64_t value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    value = (value & ~(uint64_t)CR4_DEBUG_EXTENSIONS) | (on ? CR4_DEBUG_EXTENSIONS : 0);
    __asm__ volatile("movq %0, %%cr4" : : "r"(value));
}

static void check_data(void)
{
    SET_DEBUG(0, middle);
    *middle = 0;
    TRY(breakpoint(0, WRITTEN, 1), middle, "", WRITE8);
    check("debug: a write raises #DB", fault_vector, VECTOR_DEBUG);
    check("debug: a write tells its breakpoint", status, 1);
    check("debug: a write's #DB is behind it", fault_rip, end);
    check("debug: a write is done before its #DB", *middle, 1);
    TRY(breakpoint(0, WRITTEN, 1), middle, "", READ8);
    check("debug: a read is no write", fault_vector, NO_FAULT);
    TRY(breakpoint(0, ACCESSED, 1), middle, "", READ8);
    check("debug: a read is an access", fault_vector, VECTOR_DEBUG);
    check("debug: a read's #DB is behind it", fault_rip, end);
    TRY(breakpoint(0, ACCESSED, 1), middle, "", WRITE8);
    check("debug: a write is an access", fault_vector, VECTOR_DEBUG);
    TRY(breakpoint(0, WRITTEN, 1), middle, "", "lock incb (%%rbx)");
    check("debug: a locked instruction writes", fault_vector, VECTOR_DEBUG);
    check("debug: it adds once", *middle, 2);
    TRY(breakpoint(0, WRITTEN, 1) << 1, middle, "", WRITE8);
    check("debug: another breakpoint's bits", fault_vector, NO_FAULT);
    TRY((breakpoint(0, WRITTEN, 1) & ~1ull) | 2, middle, "", WRITE8);
    check("debug: enabled by G", fault_vector, VECTOR_DEBUG);
    TRY(breakpoint(0, WRITTEN, 1) & ~1ull, middle, "", WRITE8);
    check("debug: not enabled", fault_vector, NO_FAULT);
}

static void check_lengths(void)
{
    for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
        SET_DEBUG(1, middle);
        TRY(breakpoint(1, ACCESSED, bytes), middle + bytes - 1, "", WRITE8);
        check("debug: the last byte", status, 2);
        TRY(breakpoint(1, ACCESSED, bytes), middle + bytes, "", WRITE8);
        check("debug: the byte behind", fault_vector, NO_FAULT);
        TRY(breakpoint(1, ACCESSED, bytes), middle - 1, "", WRITE8);
        check("debug: the byte before", fault_vector, NO_FAULT);
        TRY(breakpoint(1, ACCESSED, bytes), middle - 7, "", "movq %%rax, (%%rbx)");
        check("debug: an unaligned write from before", status, 2);
        TRY(breakpoint(1, ACCESSED, bytes), middle + bytes - 1, "", "movl (%%rbx), %%ecx");
        check("debug: an unaligned read from its last byte", status, 2);
        TRY(breakpoint(1, ACCESSED, bytes), middle - 9, "", "movq %%rax, (%%rbx)");
        check("debug: an unaligned write that ends before", fault_vector, NO_FAULT);
        if (check_is_tcg()) /* it looks at the two aligned words that an unaligned one lies in */
            continue;
        TRY(breakpoint(1, ACCESSED, bytes), middle + bytes, "", "movq (%%rbx), %%rcx");
        check("debug: an unaligned read that begins behind", fault_vector, NO_FAULT);
    }
}

static void check_repeated(void)
{
    SET_DEBUG(0, middle);
    TRY(breakpoint(0, WRITTEN, 1), middle - 2, "movl $5, %%ecx\n\tmovq %%rbx, %%rdi", "rep stosb");
    check("debug: a repeated instruction stops behind the hit", count, 2);
    check("debug: and goes on from there", fault_rip, start);
}

static void check_instructions(void)
{
    TRY(breakpoint(2, EXECUTED, 1), middle, "movq %4, %%rdx\n\tmovq %%rdx, %%dr2", "incl %%ecx");
    check("debug: an instruction raises #DB", fault_vector, VECTOR_DEBUG);
    check("debug: an instruction tells its breakpoint", status, 4);
    check("debug: an instruction's #DB is before it", fault_rip, start);
    set_debug_extensions(true);
    SET_DEBUG(0, 0x80);
    TRY(breakpoint(0, PORT, 1), middle, "", "outb %%al, $0x80");
    check("debug: a port raises #DB", fault_vector, VECTOR_DEBUG);
    check("debug: a port tells its breakpoint", status, 1);
    check("debug: a port's #DB is behind the instruction", fault_rip, end);
    TRY(breakpoint(0, PORT, 1), middle, "", "outb %%al, $0x81");
    check("debug: another port", fault_vector, NO_FAULT);
    set_debug_extensions(false);
}

static void check_registers(void)
{
    uint64_t value;
    SET_DEBUG(6, 0x5);
    GET_DEBUG(4, value);
    check("DR4 is DR6", (value | STATUS_NEWER) & ~0xfull, STATUS_RESET | STATUS_NEWER);
    check("DR4 has DR6's bits", value & 0xf, 5);
    SET_DEBUG(5, CONTROL_RESET | 0x30000);
    GET_DEBUG(7, value);
    check("DR5 is DR7", value, CONTROL_RESET | 0x30000);
    set_debug_extensions(true);
    EXPECT_FAULT("movq %%dr4, %%rax");
    check("CR4.DE: no DR4", fault_vector, VECTOR_INVALID);
    EXPECT_FAULT("movq %%rax, %%dr5");
    check("CR4.DE: no DR5", fault_vector, VECTOR_INVALID);
    set_debug_extensions(false);
    SET_DEBUG(7, 0);
    GET_DEBUG(7, value);
    check("DR7: bit 10 is one", value, CONTROL_RESET);
}

/* QEMU's TCG raises two exceptions. */
static void check_step(void)
{
    SET_DEBUG(0, middle);
    fault_forget();
    SET_DEBUG(6, 0);
    uint64_t found = breakpoint(0, WRITTEN, 1);
    __asm__ volatile("leaq 1f(%%rip), %%rdx\n\tmovq %%rdx, %1\n\tmovq %%rax, %%dr7\n\t"
                     "pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tmovb $1, (%%rbx)\n"
                     "1:\txorl %%eax, %%eax\n\tmovq %%rax, %%dr7"
                     : "+a"(found), "=m"(fault_continue)
                     : "b"(middle)
                     : "rdx", "cc", "memory");
    GET_DEBUG(6, found);
    check("debug: a write that is a single step, too", found & STATUS_CAUSES, STATUS_STEP | 1);
}

/* What a hit meets in its own instruction: QEMU's TCG tells the first breakpoint alone, keeps the hit of an instruction
 * that faults, and stops behind a load of SS. */
static void check_mixed(void)
{
    SET_DEBUG(0, middle);
    SET_DEBUG(3, middle + 4);
    TRY(breakpoint(0, WRITTEN, 4) | breakpoint(3, ACCESSED, 2), middle, "", "movq %%rax, (%%rbx)");
    check("debug: two breakpoints of one instruction", status, 9);
    TRY(breakpoint(0, ACCESSED, 1), middle, "movq %%rbx, %%rsi\n\tmovabsq $0x700000000000, %%rdi", "movsb");
    check("debug: a read before a fault: the fault", fault_vector, VECTOR_PAGE_FAULT);
    check("debug: a read before a fault is undone", status, 0);
    uint16_t stack_segment;
    __asm__ volatile("movw %%ss, %0" : "=r"(stack_segment));
    *(volatile uint16_t *)middle = stack_segment;
    TRY(breakpoint(0, ACCESSED, 2), middle, "", "movw (%%rbx), %%ss");
    check("debug: a load of SS", status, 1);
    check("debug: a load of SS takes the next instruction along", fault_rip, end + 1);
}

/* QEMU's TCG has none of this, nor int1. */
static void check_detection(void)
{
    uint64_t value;
    SET_DEBUG(6, 0xffffffff);
    GET_DEBUG(6, value);
    check("DR6: bit 12 is zero", value, 0xffffefff);
    SET_DEBUG(6, 0);
    SET_DEBUG(7, 0xd000);
    GET_DEBUG(7, value);
    check("DR7: bits 12, 14 and 15 are zero", value, CONTROL_RESET);
    EXPECT_FAULT("movl $1, %%eax\n\tshlq $32, %%rax\n\tmovq %%rax, %%dr6");
    check("DR6: its upper half", fault_vector, VECTOR_PROTECTION);
    EXPECT_FAULT("movl $1, %%eax\n\tshlq $32, %%rax\n\tmovq %%rax, %%dr7");
    check("DR7: its upper half", fault_vector, VECTOR_PROTECTION);
    TRY(CONTROL_RESET | CONTROL_DETECT, middle, "", "movq %%dr0, %%rcx");
    check("general detect: a read raises #DB", fault_vector, VECTOR_DEBUG);
    check("general detect: DR6 has BD", status, STATUS_DETECTED);
    check("general detect: #DB is before the instruction", fault_rip, start);
    check("general detect ends at #DB", control, CONTROL_RESET);
    TRY(CONTROL_RESET | CONTROL_DETECT, middle, "", "movq %%rbx, %%dr1");
    check("general detect: a write raises #DB", fault_vector, VECTOR_DEBUG);
    check("general detect: #DB is before the write", fault_rip, start);
    TRY(CONTROL_RESET, middle, "", ".byte 0xf1");
    check("int1 raises #DB", fault_vector, VECTOR_DEBUG);
    check("int1's #DB is behind it", fault_rip, end);
    check("int1 is no single step", status, 0);
}

void check_debug(void)
{
    check_data();
    check_lengths();
    check_repeated();
    check_instructions();
    check_registers();
    if (!check_is_tcg()) {
        check_step();
        check_mixed();
        check_detection();
    }
    SET_DEBUG(6, 0);
    SET_DEBUG(7, 0);
}
