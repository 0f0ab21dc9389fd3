#include "cpu.h"

#include <kernel/module.h>

#include "base/bytes.h"
#include "layout.h"
#include "port.h"

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define LEAF_VERSION 1
#define FEATURE_RDRAND (1u << 30) /* in ecx */
#define LEAF_FEATURES 7
#define FEATURE_SMEP (1u << 7) /* in ebx */
#define FEATURE_SMAP (1u << 20)
#define FEATURE_UMIP (1u << 2) /* in ecx */
#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define RFLAGS_INTERRUPT 0x200
#define RFLAGS_CLEARED_ON_ENTRY 0x47700 /* TF IF DF IOPL NT AC */
#define PORT_DEBUG_EXIT 0xf4
#define PORT_SERIAL 0x3f8
#define PORT_PIC 0x20
#define PORT_PIC_SECOND 0xa0
#define PORT_TIMER 0x40

/* Reached through GS in entry.S: the offsets are in layout.h. */
static struct cpu {
    uint64_t frame_end;
    uint64_t stack;
    uint64_t scratch;
    bool smap; /* it is on */
} cpu;
_Static_assert(__builtin_offsetof(struct cpu, frame_end) == CPU_FRAME_END, "layout.h");
_Static_assert(__builtin_offsetof(struct cpu, stack) == CPU_STACK, "layout.h");
_Static_assert(__builtin_offsetof(struct cpu, scratch) == CPU_SCRATCH, "layout.h");
_Static_assert(__builtin_offsetof(struct cpu, smap) == CPU_SMAP, "layout.h");

static struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed)) task_state;

struct gate {
    uint64_t low; /* the handler's bits 0 to 15, selector, stack (a byte), type (a byte), the handler's bits 16 to 31 */
    uint64_t high; /* and the rest of them */
};

#define GATE_COUNT 48
#define GATE_KERNEL (0x8eull << 40 | SELECTOR_KERNEL_CODE << 16) /* an interrupt gate */
#define GATE_FOR_USER (0x60ull << 40)
#define VECTOR_BREAKPOINT 3
static struct gate gates[GATE_COUNT];
static uint64_t descriptors[7];

/* Exceptions that come when the stack cannot be trusted have one of their own: a full stack, and what no flag keeps
 * out. */
static const uint8_t vectors_with_stack[] = {2, 8, 18}; /* non-maskable interrupt, double fault, machine check */
#define EXCEPTION_STACKS sizeof vectors_with_stack
static uint8_t exception_stacks[EXCEPTION_STACKS][8192] __attribute__((aligned(16)));

static inline void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* What lgdt and lidt read begins at the limit; a packed struct may become a constant that cannot be relocated. */
struct table_pointer {
    uint16_t unused[3], limit;
    uint64_t base;
};

static void load_descriptors(void)
{
    uint64_t task = (uint64_t)&task_state;
    descriptors[SELECTOR_KERNEL_CODE / 8] = 0x00af9a000000ffff;
    descriptors[SELECTOR_KERNEL_DATA / 8] = 0x00cf92000000ffff;
    descriptors[SELECTOR_USER_DATA / 8] = 0x00cff2000000ffff;
    descriptors[SELECTOR_USER_CODE / 8] = 0x00affa000000ffff;
    descriptors[SELECTOR_TASK / 8] = (sizeof task_state - 1) | (task & 0xffffff) << 16 | 0x89ull << 40 |
                                     (task >> 24 & 0xff) << 56;
    descriptors[SELECTOR_TASK / 8 + 1] = task >> 32;
    task_state.io_map = sizeof task_state;
    for (unsigned i = 0; i < EXCEPTION_STACKS; i++)
        task_state.ist[i] = (uint64_t)&exception_stacks[i + 1];

    struct table_pointer pointer = {.limit = sizeof descriptors - 1, .base = (uint64_t)descriptors};
    __asm__ volatile("lgdt %0" : : "m"(pointer.limit), "m"(pointer.base));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TASK));
}

static void load_gates(const char *trap_stubs)
{
    for (unsigned vector = 0; vector < GATE_COUNT; vector++) {
        const uint64_t handler = (uint64_t)trap_stubs + vector * 16;
        gates[vector] = (struct gate){(handler & 0xffff) | (handler >> 16 & 0xffff) << 48 | GATE_KERNEL, handler >> 32};
    }
    gates[VECTOR_BREAKPOINT].low |= GATE_FOR_USER;
    for (uint64_t i = 0; i < EXCEPTION_STACKS; i++)
        gates[vectors_with_stack[i]].low |= (i + 1) << 32;
    struct table_pointer pointer = {.limit = sizeof gates - 1, .base = (uint64_t)gates};
    __asm__ volatile("lidt %0" : : "m"(pointer.limit), "m"(pointer.base));
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid found;
    __asm__("cpuid" : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx) : "a"(leaf), "c"(0));
    return found;
}

/* The kernel executes nothing of user memory, and reads and writes it by the map of physical memory alone: so SMAP
 * needs no exceptions. User mode does not learn where the descriptor tables are. */
static void protect(void)
{
    if (cpuid(0).eax < LEAF_FEATURES)
        return;
    const struct cpuid has = cpuid(LEAF_FEATURES);
    uint64_t control;
    __asm__ volatile("movq %%cr4, %0" : "=r"(control));
    control |= (has.ebx & FEATURE_SMEP ? CR4_SMEP : 0) | (has.ebx & FEATURE_SMAP ? CR4_SMAP : 0) |
               (has.ecx & FEATURE_UMIP ? CR4_UMIP : 0);
    __asm__ volatile("movq %0, %%cr4" : : "r"(control) : "memory");
    cpu.smap = control & CR4_SMAP;
}

void cpu_init(const char *trap_stubs, const char *system_call_entry, const char *stack_end)
{
    load_descriptors();
    load_gates(trap_stubs);
    cpu.stack = (uint64_t)stack_end;
    write_msr(MSR_GS_BASE, (uint64_t)&cpu);
    write_msr(MSR_KERNEL_GS_BASE, 0);
    write_msr(MSR_STAR, (uint64_t)(SELECTOR_KERNEL_DATA | 3) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    write_msr(MSR_LSTAR, (uint64_t)system_call_entry);
    write_msr(MSR_SFMASK, RFLAGS_CLEARED_ON_ENTRY);
    protect();
}

void cpu_set_frame(struct frame *frame)
{
    cpu.frame_end = (uint64_t)(frame + 1);
    task_state.rsp[0] = cpu.frame_end;
}

void cpu_set_page_table(uint64_t physical)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(physical) : "memory");
}

uint64_t cpu_page_table(void)
{
    uint64_t physical;
    __asm__ volatile("movq %%cr3, %0" : "=r"(physical));
    return physical;
}

void cpu_set_thread_pointer(uint64_t base)
{
    write_msr(MSR_FS_BASE, base);
}

void cpu_flush_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void cpu_fpu_save(uint8_t state[FPU_STATE_SIZE])
{
    __asm__ volatile("fxsave64 (%0)" : : "r"(state) : "memory");
}

void cpu_fpu_load(const uint8_t state[FPU_STATE_SIZE])
{
    __asm__ volatile("fxrstor64 (%0)" : : "r"(state) : "memory");
}

void cpu_fpu_reset(uint8_t state[FPU_STATE_SIZE])
{
    memory_fill(state, 0, FPU_STATE_SIZE);
    *(uint16_t *)state = 0x37f;         /* x87: all exceptions masked, extended precision */
    *(uint32_t *)(state + 24) = 0x1f80; /* MXCSR: likewise */
}

uint64_t cpu_fault_address(void)
{
    uint64_t address;
    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

static uint64_t read_clock(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#define RANDOM_TRIES 10 /* as the processors' makers advise */

/* False: there is no source, or it has no number, or one that broken ones give always. */
static bool random_number(uint64_t *number)
{
    if (!(cpuid(LEAF_VERSION).ecx & FEATURE_RDRAND))
        return false;
    for (unsigned tries = 0; tries < RANDOM_TRIES; tries++) {
        uint64_t found;
        bool is_good;
        __asm__ volatile("rdrand %0" : "=r"(found), "=@ccc"(is_good));
        if (is_good && found && found != UINT64_MAX) {
            *number = found;
            return true;
        }
    }
    return false;
}

#define JITTER_SAMPLES 64

/* The clock between accesses to the timer, which take different times, and the timer's counts. */
static uint64_t jitter(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < JITTER_SAMPLES; i++)
        sum = (sum << 7 | sum >> 57) ^ read_clock() ^ in8(PORT_TIMER) * 0x9e3779b97f4a7c15;
    return sum;
}

bool cpu_entropy(uint64_t *number)
{
    uint64_t found = 0;
    const bool is_random = random_number(&found);
    *number = found ^ jitter();
    return is_random;
}

bool cpu_interrupt_waits(void)
{
    out8(PORT_PIC, 0x0a); /* read the requests; those of the second controller are line 2's */
    return in8(PORT_PIC) & (uint8_t)~in8(PORT_PIC + 1);
}

void cpu_wait_for_interrupt(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

void frame_init_user(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument)
{
    *frame = (struct frame){
        .rip = entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_INTERRUPT | 2,
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
        .rdi = argument,
    };
}

void frame_call(const struct frame *frame, uint64_t call[CALL_WORDS])
{
    const uint64_t words[CALL_WORDS] = {frame->rax, frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    memory_copy(call, words, sizeof words);
}

void frame_call_again(struct frame *frame)
{
    frame->rip -= 2; /* the instruction syscall */
}

#define GENERAL_REGISTERS 15  /* at the start of a frame */
#define RFLAGS_OF_USER 0x40dd5 /* AC, OF DF TF SF ZF AF PF CF */
#define VECTOR_NONE 0          /* the way out restores all registers, as after an interrupt */

void frame_save(const struct frame *frame, uint64_t registers[SIGNAL_REGISTERS])
{
    memory_copy(registers, frame, GENERAL_REGISTERS * sizeof *registers);
    registers[GENERAL_REGISTERS] = frame->rip;
    registers[GENERAL_REGISTERS + 1] = frame->rflags;
    registers[GENERAL_REGISTERS + 2] = frame->rsp;
}

void frame_enter(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument)
{
    frame->rip = entry;
    frame->rsp = stack;
    frame->rdi = argument;
    frame->rflags = RFLAGS_INTERRUPT | 2;
    frame->vector = VECTOR_NONE;
}

void frame_pass_on(struct frame *frame, uint64_t entry)
{
    frame->rcx = frame->rip;
    frame->rip = entry;
    frame->vector = VECTOR_NONE;
}

bool frame_restore(struct frame *frame, const uint64_t registers[SIGNAL_REGISTERS])
{
    if (registers[GENERAL_REGISTERS] >= PROCESS_HIGHEST_ADDRESS)
        return false;
    memory_copy(frame, registers, GENERAL_REGISTERS * sizeof *registers);
    frame->rip = registers[GENERAL_REGISTERS];
    frame->rflags = (registers[GENERAL_REGISTERS + 1] & RFLAGS_OF_USER) | RFLAGS_INTERRUPT | 2;
    frame->rsp = registers[GENERAL_REGISTERS + 2];
    frame->vector = VECTOR_NONE;
    return true;
}

void interrupts_init(void)
{
    /* Both controllers: initialise, vectors from VECTOR_TIMER, cascade, 8086 mode; let only the timer in. */
    out8(PORT_PIC, 0x11);
    out8(PORT_PIC_SECOND, 0x11);
    out8(PORT_PIC + 1, VECTOR_TIMER);
    out8(PORT_PIC_SECOND + 1, VECTOR_TIMER + 8);
    out8(PORT_PIC + 1, 4);
    out8(PORT_PIC_SECOND + 1, 2);
    out8(PORT_PIC + 1, 1);
    out8(PORT_PIC_SECOND + 1, 1);
    out8(PORT_PIC + 1, 0xfe);
    out8(PORT_PIC_SECOND + 1, 0xff);
}

void timer_acknowledge(void)
{
    out8(PORT_PIC, 0x20);
}

static void (*handlers[INTERRUPT_LINES])(void);

void interrupt_attach(unsigned line, void (*handler)(void))
{
    if (!line || line >= INTERRUPT_LINES)
        return;
    handlers[line] = handler;
    out8(PORT_PIC + 1, in8(PORT_PIC + 1) & (uint8_t)~(line < 8 ? 1u << line : 4u)); /* 4: the second controller's */
    if (line >= 8)
        out8(PORT_PIC_SECOND + 1, in8(PORT_PIC_SECOND + 1) & (uint8_t)~(1u << (line - 8)));
}

void interrupt_dispatch(unsigned line)
{
    if (line >= INTERRUPT_LINES || !handlers[line])
        return;
    handlers[line]();
    if (line >= 8)
        out8(PORT_PIC_SECOND, 0x20);
    out8(PORT_PIC, 0x20);
}

void last_words_put(char c)
{
    out8(PORT_SERIAL, (uint8_t)c);
}

void machine_exit(uint8_t code)
{
    out8(PORT_DEBUG_EXIT, code);
    for (;;)
        __asm__ volatile("cli\n\thlt");
}
