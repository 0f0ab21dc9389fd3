/* The checks in ring 3. Linked into the kernel's file, copied to USER_CODE and run there twice, so the code
 * must be position-independent and have no data of its own. */
#include <stdbool.h>

#include "conformance.h"

#define SECTION __attribute__((section(".user"), noinline))
#define RING3_CODE 0x23
#define FLAG_INTERRUPT 0x200
#define VECTOR_DIVIDE 0
#define VECTOR_DEBUG 1
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID 6
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define PRESENT 1
#define WRITE 2
#define USER 4
#define FETCH 16

static inline __attribute__((always_inline)) uint64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

/* The name is a string in the code, found relative to rip. */
#define CHECK(text, got, wanted)                                                                         \
    do {                                                                                                 \
        const char *name;                                                                                \
        __asm__("jmp 1f\n2:\t.asciz \"" text "\"\n1:\tleaq 2b(%%rip), %0" : "=r"(name));                 \
        call(CALL_CHECK, (uint64_t)name, (uint64_t)(got), (uint64_t)(wanted));                           \
    } while (0)

#define EXPECT_FAULT(assembly) EXPECT_FAULT_AT(0ull, assembly)
/* With an address in rbx. */
#define EXPECT_FAULT_AT(address, assembly)                                                               \
    __asm__ volatile("leaq 1f(%%rip), %%rdi\n\tmovl %0, %%eax\n\tsyscall\n\t" assembly "\n1:"            \
                     :                                                                                   \
                     : "i"(CALL_EXPECT), "b"(address)                                                    \
                     : "rax", "rdi", "rcx", "rdx", "r11", "memory")

#define VECTOR call(CALL_FAULT, 0, 0, 0)
#define ERROR call(CALL_FAULT, 1, 0, 0)
#define ADDRESS call(CALL_FAULT, 2, 0, 0)

SECTION static void check_privilege(void)
{
    uint64_t value;
    CHECK("system call returns", call(CALL_ADD_ONE, 41, 0, 0), 42);
    CHECK("system call returns by iretq", call(CALL_BY_IRET, 42, 0, 0), 43);
    __asm__ volatile("movq %%cs, %0" : "=r"(value));
    CHECK("ring 3: CS", value, RING3_CODE);
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(value));
    CHECK("ring 3: interrupts are on", value & FLAG_INTERRUPT, FLAG_INTERRUPT);
    EXPECT_FAULT("int3");
    CHECK("ring 3: int3", VECTOR, VECTOR_BREAKPOINT);
    EXPECT_FAULT("cli");
    CHECK("ring 3: cli", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("hlt");
    CHECK("ring 3: hlt", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("movq %%cr3, %%rax");
    CHECK("ring 3: reading CR3", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("movl $0xf4, %%edx\n\toutb %%al, %%dx");
    CHECK("ring 3: out", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("movl $0x3fd, %%edx\n\tinb %%dx, %%al");
    CHECK("ring 3: in", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("ud2");
    CHECK("ring 3: ud2", VECTOR, VECTOR_INVALID);
    EXPECT_FAULT("int $0x21");
    CHECK("ring 3: int without right", VECTOR, VECTOR_PROTECTION);
    /* Not its error code: QEMU's TCG multiplies the vector by 16 where the manual says 8. */
    EXPECT_FAULT("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tdivl %%ecx");
    CHECK("ring 3: division by zero", VECTOR, VECTOR_DIVIDE);
    EXPECT_FAULT("movabsq $0x8000000000000000, %%rax\n\tmovq (%%rax), %%rax");
    CHECK("ring 3: non-canonical address", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("movl $0x10, %%eax\n\tmovl %%eax, %%ss");
    CHECK("ring 3: kernel's stack segment", VECTOR, VECTOR_PROTECTION);
    EXPECT_FAULT("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop");
    CHECK("ring 3: single step", VECTOR, VECTOR_DEBUG);
}

/* What the kernel turned on in CR4, seen from here. */
SECTION static void check_protections(void)
{
    EXPECT_FAULT("sgdt -64(%%rsp)");
    CHECK("ring 3: sgdt", VECTOR, call(CALL_HAS, HAS_UMIP, 0, 0) ? VECTOR_PROTECTION : NO_FAULT);
    EXPECT_FAULT("sidt -64(%%rsp)");
    CHECK("ring 3: sidt", VECTOR, call(CALL_HAS, HAS_UMIP, 0, 0) ? VECTOR_PROTECTION : NO_FAULT);
    EXPECT_FAULT("pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tint3");
    CHECK("ring 3: its AC ends at a trap", call(CALL_FAULT, 3, 0, 0), !call(CALL_HAS, HAS_SMAP, 0, 0));
    CHECK("ring 3: its AC ends at a system call", call(CALL_FLAGS, 0, 0, 0) & FLAG_AC, 0);
    __asm__ volatile("pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq" : : : "cc", "memory");
}

SECTION static void check_page_faults(void)
{
    uint64_t text = call(CALL_KERNEL_TEXT, 0, 0, 0);
    EXPECT_FAULT_AT(text, "movq (%%rbx), %%rax");
    CHECK("reading the kernel: error code", ERROR, PRESENT | USER);
    CHECK("reading the kernel: address", ADDRESS, text);
    EXPECT_FAULT_AT(text, "movq %%rax, (%%rbx)");
    CHECK("writing the kernel: error code", ERROR, PRESENT | WRITE | USER);
    EXPECT_FAULT("movl $0x40000000, %%eax\n\tmovq %%rax, (%%rax)");
    CHECK("writing own code: error code", ERROR, PRESENT | WRITE | USER);
    EXPECT_FAULT("movl $0x42000000, %%eax\n\tjmp *%%rax");
    CHECK("executing data: error code", ERROR, PRESENT | USER | FETCH);
    EXPECT_FAULT("movl $0x47000000, %%eax\n\tmovq %%rax, (%%rax)");
    CHECK("writing nothing: error code", ERROR, WRITE | USER);
    EXPECT_FAULT("movl $0x47000000, %%eax\n\tjmp *%%rax");
    CHECK("executing nothing: error code", ERROR, USER | FETCH);
    CHECK("executing nothing: address", ADDRESS, USER_NOTHING);
    EXPECT_FAULT("movl $0x47000ff8, %%eax\n\tfxsave64 8(%%rax)");
    CHECK("fxsave to nothing", VECTOR, VECTOR_PAGE_FAULT);
}

SECTION static void check_translation(void)
{
    volatile uint64_t *window = (volatile uint64_t *)USER_WINDOW;
    call(CALL_WINDOW, WINDOW_A, true, 0);
    CHECK("window on A", *window, PATTERN_A);
    call(CALL_WINDOW, WINDOW_B, true, 0);
    CHECK("window on B after invlpg", *window, PATTERN_B);
    call(CALL_WINDOW, WINDOW_A, false, 0);
    call(CALL_RELOAD, 0, 0, 0);
    CHECK("window on A after CR3 was loaded", *window, PATTERN_A);
    call(CALL_WINDOW, WINDOW_A_READ_ONLY, true, 0);
    EXPECT_FAULT("movl $0x46000000, %%eax\n\tmovq %%rax, (%%rax)");
    CHECK("window made read-only: error code", ERROR, PRESENT | WRITE | USER);
    call(CALL_WINDOW, WINDOW_SUPERVISOR, true, 0);
    EXPECT_FAULT("movl $0x46000000, %%eax\n\tmovq (%%rax), %%rax");
    CHECK("window made the kernel's: error code", ERROR, PRESENT | USER);
    call(CALL_WINDOW, WINDOW_ABSENT, true, 0);
    EXPECT_FAULT("movl $0x46000000, %%eax\n\tmovq (%%rax), %%rax");
    CHECK("window taken away: error code", ERROR, USER);
}

SECTION static void check_demand(void)
{
    uint64_t target = USER_DEMAND + 0x10800, count = 0x3000;
    *(volatile uint64_t *)(USER_DEMAND + 0xffc) = 0x1122334455667788;
    CHECK("a write over the border of two absent pages", *(volatile uint64_t *)(USER_DEMAND + 0xffc), 0x1122334455667788);
    __asm__ volatile("rep stosb" : "+D"(target), "+c"(count) : "a"(0x5a) : "memory");
    CHECK("a string instruction over absent pages", *(volatile uint8_t *)(USER_DEMAND + 0x10800 + 0x2fff), 0x5a);
    CHECK("a string instruction ends where it must", target, USER_DEMAND + 0x13800);
}

SECTION static void check_changed_code(void)
{
    uint32_t (*function)(void) = (uint32_t(*)(void))USER_WINDOW;
    volatile uint8_t *constant = (volatile uint8_t *)(USER_WINDOW + 1);
    uint64_t wrong = 0;
    call(CALL_WINDOW, WINDOW_A_EXECUTABLE, true, 0);
    for (uint32_t value = 1; value < 60; value++) {
        call(CALL_PATCH, value, 0, 0);
        wrong += function() != value;
    }
    CHECK("code that the kernel changed", wrong, 0);
    for (uint32_t value = 1; value < 60; value++) {
        *constant = (uint8_t)value;
        wrong += function() != value;
    }
    CHECK("code that changes itself", wrong, 0);
}

SECTION static void check_vectors(void)
{
    /* In assembly, because the file is compiled without SSE, like the rest of the kernel. */
    uint64_t product;
    __asm__ volatile("movl $3, %%eax\n\tcvtsi2sdl %%eax, %%xmm0\n\tmovl $7, %%eax\n\tcvtsi2sdl %%eax, %%xmm1\n\t"
                     "mulsd %%xmm1, %%xmm0\n\tcvttsd2siq %%xmm0, %0"
                     : "=r"(product)
                     :
                     : "rax");
    CHECK("SSE2", product, 21);
}

SECTION static void check_contexts(uint64_t self)
{
    volatile uint64_t *own = (volatile uint64_t *)USER_PRIVATE;
    uint64_t wrong = 0;
    own[0] = 0x1000 + self;
    for (unsigned i = 0; i < 2000; i++) {
        call(CALL_SWITCH, 0, 0, 0);
        wrong += own[0] != 0x1000 + self;
    }
    CHECK("a page of one's own after 2000 switches", wrong, 0);
}

SECTION static void check_timer(uint64_t self)
{
    volatile uint64_t turns = 0;
    uint64_t until = call(CALL_TICKS, 0, 0, 0) + 10;
    call(CALL_PREEMPT, 1, 0, 0);
    while (call(CALL_TICKS, 0, 0, 0) < until)
        for (unsigned i = 0; i < 2000; i++)
            turns++;
    CHECK("ran while the timer switched", turns > 0, 1);
    if (self)
        for (;;)
            call(CALL_SWITCH, 0, 0, 0);
    call(CALL_PREEMPT, 0, 0, 0);
    uint64_t before = call(CALL_TICKS, 0, 0, 0);
    call(CALL_SLEEP, 5, 0, 0);
    CHECK("halted until the fifth tick", call(CALL_TICKS, 0, 0, 0) - before >= 5, 1);
}

SECTION void user_main(uint64_t self)
{
    if (!self) {
        check_privilege();
        check_protections();
        check_page_faults();
        check_translation();
        check_demand();
        check_changed_code();
        check_vectors();
    }
    check_contexts(self);
    check_timer(self);
    call(CALL_DONE, 0, 0, 0);
}
