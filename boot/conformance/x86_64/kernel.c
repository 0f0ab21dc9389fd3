/* A kernel that checks the machine it runs on: what a CPU must do in rings 0 and 3, as the microkernel and
 * its emulator rely on it. Every machine must pass the same checks; each failed one is a line "FAIL ...".
 *
 * It shares entry code, descriptor tables, page tables and log with the real kernel. */
#include "conformance.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "entry.h"
#include "layout.h"
#include "memory/frames.h"
#include "memory/page_table.h"

#define VECTOR_DIVIDE 0
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID 6
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define ABSENT_KERNEL_ADDRESS 0x700000000000
#define TEST_PAGE 0xfffff00000000000
#define TEST_USER_PAGE 0x60000000
#define FIXED_START 0x900000 /* physical */
#define FIXED_END 0x903000
#define PRESENT 1
#define WRITE 2
#define FETCH 16

extern char user_code_start[], user_code_end[];

void serial_start(void); /* of the driver */

static struct context {
    struct frame frame __attribute__((aligned(16)));
    uint64_t table;
} contexts[2];
static unsigned current;
static bool preempting;
static uint64_t ticks, passed, failed;
static uint64_t page_a, page_b;

static volatile uint64_t fault_vector, fault_error, fault_address, fault_with_ac, fault_continue;

static void check(const char *name, uint64_t got, uint64_t wanted)
{
    if (got == wanted) {
        passed++;
        return;
    }
    failed++;
    log_format("FAIL %s: got %x, wanted %x\n", name, got, wanted);
}

static _Noreturn void finish(void)
{
    log_format("conformance: %u passed, %u failed\n", passed, failed);
    machine_end(failed ? VERDICT_FAIL : VERDICT_PASS);
}

/* Run one statement of assembly that must fault; execution goes on behind it. */
#define EXPECT_FAULT(assembly)                                                                        \
    do {                                                                                              \
        fault_vector = fault_error = fault_address = NO_FAULT;                                        \
        __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\t" assembly "\n1:"                \
                         : "=m"(fault_continue)                                                       \
                         :                                                                            \
                         : "rax", "rcx", "rdx", "memory");                                            \
    } while (0)

static uint64_t read_flags(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    return flags;
}

static void note_fault(struct frame *frame)
{
    fault_with_ac = !!(read_flags() & FLAG_AC);
    fault_vector = frame->vector;
    fault_error = frame->error;
    fault_address = cpu_fault_address();
    frame->rip = fault_continue;
    frame->rflags &= ~0x100ull; /* single step */
    fault_continue = 0;
}

static void map(uint64_t table, uint64_t address, uint64_t frame, unsigned prot)
{
    const struct memory one = {.size = PAGE_SIZE, .start = frame};
    if (!page_map(table, address, &one, 0, PAGE_SIZE, prot))
        panic("no memory");
}

static volatile uint64_t *bottom_entry(uint64_t table, uint64_t address)
{
    for (unsigned shift = 39; shift > 12; shift -= 9)
        table = ((uint64_t *)physical_pointer(table))[address >> shift & 511] & 0xffffffffff000;
    return (uint64_t *)physical_pointer(table) + (address >> 12 & 511);
}

static void check_faults(void)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tint3\n1:" : "=m"(fault_continue) : : "rax", "memory");
    check("ring 0: int3", fault_vector, VECTOR_BREAKPOINT);
    EXPECT_FAULT("ud2");
    check("ring 0: ud2", fault_vector, VECTOR_INVALID);
    EXPECT_FAULT("movabsq $0x700000000000, %%rax\n\tmovq (%%rax), %%rax");
    check("ring 0: page fault", fault_vector, VECTOR_PAGE_FAULT);
    check("ring 0: error code of a read", fault_error, 0);
    check("ring 0: CR2", fault_address, ABSENT_KERNEL_ADDRESS);
    EXPECT_FAULT("movabsq $0x700000000000, %%rax\n\tmovq %%rax, (%%rax)");
    check("ring 0: error code of a write", fault_error, 2);
    EXPECT_FAULT("movabsq $0x8000000000000000, %%rax\n\tmovq (%%rax), %%rax");
    check("ring 0: non-canonical address", fault_vector, VECTOR_PROTECTION);
    EXPECT_FAULT("xorl %%eax, %%eax\n\txorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx");
    check("ring 0: division by zero", fault_vector, VECTOR_DIVIDE);
    EXPECT_FAULT("movl $0xfea, %%eax\n\tmovl %%eax, %%ds");
    check("ring 0: error code of a bad selector", fault_error, 0xfe8);
}

static void check_paging(uint64_t table)
{
    volatile uint64_t *page = (volatile uint64_t *)TEST_PAGE;
    map(table, TEST_PAGE, page_a, PROT_READ_ONLY);
    volatile uint64_t *entry = bottom_entry(table, TEST_PAGE);
    EXPECT_FAULT("movabsq $0xfffff00000000000, %%rax\n\tmovq %%rax, (%%rax)");
    check("write protection holds in ring 0", fault_error, 3);
    map(table, TEST_PAGE, page_a, PROT_READ_WRITE);
    *page = 7;
    check("writable after invlpg", *(uint64_t *)physical_pointer(page_a), 7);
    *(uint64_t *)physical_pointer(page_b) = 9;
    *entry = (*entry & 0xfff0000000000fff) | page_b;
    cpu_set_page_table(table);
    check("another frame after CR3 was loaded", *page, 9);
    map(table, TEST_PAGE, page_a, PROT_READ_WRITE);
    check("accessed bit is clear", *entry >> 5 & 1, 0);
    (void)*page;
    check("accessed bit is set by a read", *entry >> 5 & 1, 1);
    check("dirty bit is clear", *entry >> 6 & 1, 0);
    *page = PATTERN_A;
    check("dirty bit is set by a write", *entry >> 6 & 1, 1);
    *(uint64_t *)physical_pointer(page_b) = PATTERN_B;
}

static bool has(enum protection which)
{
    uint32_t highest, ebx, ecx, edx;
    __asm__("cpuid" : "=a"(highest), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0), "c"(0));
    if (highest < 7)
        return false;
    __asm__("cpuid" : "=a"(highest), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(7), "c"(0));
    return which == HAS_UMIP ? ecx >> 2 & 1 : which == HAS_SMEP ? ebx >> 7 & 1 : ebx >> 20 & 1;
}

/* What the processor has must be on. */
static void check_control(void)
{
    uint64_t cr0, cr4;
    __asm__ volatile("movq %%cr0, %0\n\tmovq %%cr4, %1" : "=r"(cr0), "=r"(cr4));
    check("CR0.WP", cr0 >> 16 & 1, 1);
    check("CR0.NE", cr0 >> 5 & 1, 1);
    check("CR0.TS, EM, AM, NW and CD", cr0 & 0x6004000c, 0);
    check("CR4.SMEP", cr4 >> 20 & 1, has(HAS_SMEP));
    check("CR4.SMAP", cr4 >> 21 & 1, has(HAS_SMAP));
    check("CR4.UMIP", cr4 >> 11 & 1, has(HAS_UMIP));
}

/* The error code of an access by the kernel; NO_FAULT: it was let through. */
static uint64_t error_of_write(volatile void *address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tlock orb $0, (%1)\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

static uint64_t error_of_read(uint64_t address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tmovb (%1), %%al\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

/* `jmp *%rax` must lie there. */
static uint64_t error_of_jump(uint64_t address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tjmp *%1\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

static void check_user_pages(uint64_t table)
{
    static const uint8_t jump[] = {0xff, 0xe0};
    memory_copy(physical_pointer(page_a), jump, sizeof jump);
    map(table, TEST_USER_PAGE, page_a, PROT_READ_EXECUTE);
    check("ring 0 runs code of user mode: error code", error_of_jump(TEST_USER_PAGE),
          has(HAS_SMEP) ? PRESENT | FETCH : NO_FAULT);
    check("ring 0 reads user memory: error code", error_of_read(TEST_USER_PAGE), has(HAS_SMAP) ? PRESENT : NO_FAULT);
    if (has(HAS_SMAP))
        __asm__ volatile("stac");
    check("ring 0 reads user memory with AC", error_of_read(TEST_USER_PAGE), NO_FAULT);
    if (has(HAS_SMAP))
        __asm__ volatile("clac");
    *(uint64_t *)physical_pointer(page_a) = PATTERN_A;
}

static void *direct(const volatile void *address)
{
    return physical_pointer((uint64_t)address - kernel_layout.base);
}

/* Text and constants are writable by no address, and nothing else is executable. */
static void check_kernel_pages(void)
{
    static const uint8_t constant[] = {0xff, 0xe0};
    static uint8_t data[] = {0xff, 0xe0};
    volatile uint8_t *text = (volatile uint8_t *)(uint64_t)check_kernel_pages;
    check("writing the kernel's text", error_of_write(text), PRESENT | WRITE);
    check("writing its text through the map of all memory", error_of_write(direct(text)), PRESENT | WRITE);
    check("writing its constants", error_of_write((void *)(uint64_t)constant), PRESENT | WRITE);
    check("writing its constants through the map of all memory", error_of_write(direct(constant)), PRESENT | WRITE);
    check("writing its data through the map of all memory", error_of_write(direct(data)), NO_FAULT);
    check("executing its constants", error_of_jump((uint64_t)constant), PRESENT | FETCH);
    check("executing its data", error_of_jump((uint64_t)data), PRESENT | FETCH);
    check("executing the map of all memory", error_of_jump((uint64_t)direct(constant)), PRESENT | FETCH);
    check("writing before what is fixed", error_of_write(physical_pointer(FIXED_START - 1)), NO_FAULT);
    check("writing the first of what is fixed", error_of_write(physical_pointer(FIXED_START)), PRESENT | WRITE);
    check("writing the last of what is fixed", error_of_write(physical_pointer(FIXED_END - 1)), PRESENT | WRITE);
    check("writing behind what is fixed", error_of_write(physical_pointer(FIXED_END)), NO_FAULT);
}

/* A name of the user half; the kernel does not reach its memory otherwise. */
static const char *user_text(uint64_t address)
{
    static char text[64];
    for (unsigned i = 0; i < sizeof text - 1; i++, address++) {
        uint64_t frame = page_lookup(contexts[current].table, PAGE_DOWN(address), NULL);
        text[i] = frame ? *(char *)physical_pointer(frame + address % PAGE_SIZE) : 0;
    }
    return text;
}

static void make_context(unsigned index)
{
    uint64_t table = page_table_create();
    struct context *context = &contexts[index];
    context->table = table;
    for (uint64_t offset = 0; offset < (uint64_t)(user_code_end - user_code_start); offset += PAGE_SIZE) {
        uint64_t frame = frame_alloc();
        memory_copy(physical_pointer(frame), user_code_start + offset, PAGE_SIZE);
        map(table, USER_CODE + offset, frame, PROT_READ_EXECUTE);
    }
    for (uint64_t offset = PAGE_SIZE; offset <= 4 * PAGE_SIZE; offset += PAGE_SIZE)
        map(table, USER_STACK_END - offset, frame_alloc(), PROT_READ_WRITE);
    map(table, USER_PRIVATE, frame_alloc(), PROT_READ_WRITE);
    frame_init_user(&context->frame, USER_CODE, USER_STACK_END, index);
}

static struct frame *switch_to(unsigned index)
{
    current = index;
    cpu_set_page_table(contexts[index].table);
    cpu_set_frame(&contexts[index].frame);
    return &contexts[index].frame;
}

static void set_window(enum window window, bool flush)
{
    static const struct {
        uint64_t *frame;
        unsigned prot;
    } forms[] = {
        [WINDOW_A] = {&page_a, PROT_READ_WRITE},
        [WINDOW_B] = {&page_b, PROT_READ_WRITE},
        [WINDOW_A_READ_ONLY] = {&page_a, PROT_READ_ONLY},
        [WINDOW_ABSENT] = {&page_a, PROT_NO_ACCESS},
        [WINDOW_SUPERVISOR] = {&page_a, PROT_READ_WRITE},
        [WINDOW_A_EXECUTABLE] = {&page_a, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
    };
    uint64_t table = contexts[current].table;
    map(table, USER_WINDOW, *forms[window].frame, forms[window].prot);
    if (window == WINDOW_SUPERVISOR)
        *bottom_entry(table, USER_WINDOW) &= ~4ull;
    if (flush)
        cpu_flush_page(USER_WINDOW);
}

static void sleep_ticks(uint64_t count)
{
    for (uint64_t end = ticks + count; ticks < end;)
        cpu_wait_for_interrupt();
}

struct frame *system_call_handle(struct frame *frame)
{
    uint64_t a = frame->rdi, b = frame->rsi, c = frame->rdx, result = 0;
    switch (frame->rax) {
    case CALL_BY_IRET:
        frame->vector = 0;
        result = a + 1;
        break;
    case CALL_ADD_ONE:
        result = a + 1;
        break;
    case CALL_CHECK:
        check(user_text(a), b, c);
        break;
    case CALL_EXPECT:
        fault_vector = fault_error = fault_address = NO_FAULT;
        fault_continue = a;
        break;
    case CALL_FAULT:
        result = a == 0 ? fault_vector : a == 1 ? fault_error : a == 2 ? fault_address : fault_with_ac;
        fault_continue = 0;
        break;
    case CALL_HAS:
        result = has((enum protection)a);
        break;
    case CALL_KERNEL_TEXT:
        result = (uint64_t)system_call_handle;
        break;
    case CALL_FLAGS:
        result = read_flags();
        break;
    case CALL_WINDOW:
        set_window((enum window)a, b);
        break;
    case CALL_RELOAD:
        cpu_set_page_table(contexts[current].table);
        break;
    case CALL_PATCH: {
        uint8_t code[6] = {0xb8, (uint8_t)a, 0, 0, 0, 0xc3};
        memory_copy(physical_pointer(page_a), code, sizeof code);
        cpu_set_page_table(contexts[current].table); /* an instruction barrier: see docs/emulator.md */
        break;
    }
    case CALL_SWITCH:
        frame->rax = 0;
        return switch_to(current ^ 1);
    case CALL_PREEMPT:
        preempting = a;
        break;
    case CALL_TICKS:
        result = ticks;
        break;
    case CALL_SLEEP:
        sleep_ticks(a);
        break;
    case CALL_DONE:
        finish();
    }
    frame->rax = result;
    return frame;
}

static void tick(void)
{
    ticks++;
    timer_acknowledge();
}

struct frame *trap_from_user(struct frame *frame)
{
    if (frame->vector == VECTOR_TIMER) {
        tick();
        return preempting ? switch_to(current ^ 1) : frame;
    }
    uint64_t address = cpu_fault_address();
    if (frame->vector == VECTOR_PAGE_FAULT && address >= USER_DEMAND && address < USER_DEMAND_END && !(frame->error & 1)) {
        map(contexts[current].table, PAGE_DOWN(address), frame_alloc(), PROT_READ_WRITE);
        return frame;
    }
    if (fault_continue) {
        note_fault(frame);
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
        note_fault(frame);
    else
        panic("unexpected vector %u in ring 0, error %x, rip %x, address %x", frame->vector, frame->error, frame->rip,
              cpu_fault_address());
}

extern char kernel_end[];

uint64_t kernel_place(uint32_t information, uint32_t magic)
{
    (void)information, (void)magic;
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    /* All machines have this much; the memory map is the real kernel's business. */
    frames_add_region(PAGE_UP((uint64_t)kernel_end), 16 << 20);
    frames_ready();
    random_init(cpu_entropy());
    return page_table_init(FIXED_START, FIXED_END);
}

void kernel_main(void)
{
    page_table_enter();
    serial_start();
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    page_a = frame_alloc();
    page_b = frame_alloc();
    uint64_t table = page_table_create();
    cpu_set_page_table(table);
    check_faults();
    check_control();
    check_paging(table);
    check_user_pages(table);
    check_kernel_pages();
    timer_init();
    make_context(0);
    make_context(1);
    frame_resume(switch_to(0));
}
