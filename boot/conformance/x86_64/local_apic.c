/* The local APIC, by memory and, where CPUID promises it, by MSRs. */
#include "local_apic.h"

#include "checks.h"
#include "cpu.h"
#include "devices.h"
#include "memory/page_table.h"

#define ADDRESS 0xfffff20000000000
#define PHYSICAL 0xfee00000
#define MSR_BASE 0x1b
#define MSR_DEADLINE 0x6e0
#define MSR_X2(at) (0x800 + (at) / 16)
#define MSR_SELF 0x83f
#define BASE_ON 0x800
#define BASE_X2 0x400
#define FEATURE_APIC (1u << 9) /* leaf 1, edx; and in ecx: */
#define FEATURE_X2 (1u << 21)
#define FEATURE_DEADLINE (1u << 24)
#define TO_SELF 0x40000
#define PERIODIC 0x20000
#define DEADLINE 0x40000
#define EXTERNAL 0x700
#define FIRST 0x51
#define SECOND 0x62
#define THIRD 0x65 /* of the second's class */
#define NOT_CACHED 0x18

bool apic_exists(void)
{
    return cpuid_leaf(1, 0).edx & FEATURE_APIC;
}

uint32_t apic_read(enum apic_register at)
{
    return *(volatile uint32_t *)(ADDRESS + at);
}

void apic_write(enum apic_register at, uint32_t value)
{
    *(volatile uint32_t *)(ADDRESS + at) = value;
}

bool apic_has(enum apic_register at, unsigned vector)
{
    return apic_read(at + vector / 32 * 16) >> vector % 32 & 1;
}

static bool end_of_interrupt(unsigned vector)
{
    (void)vector;
    apic_write(APIC_END, 0);
    return true;
}

static uint32_t spurious_before, lint0_before;

void apic_begin(void)
{
    interrupts_begin();
    map(cpu_page_table(), ADDRESS, PHYSICAL, PROT_READ_WRITE);
    *bottom_entry(cpu_page_table(), ADDRESS) |= NOT_CACHED;
    cpu_flush_page(ADDRESS);
    spurious_before = apic_read(APIC_SPURIOUS);
    lint0_before = apic_read(APIC_LINT0);
    apic_write(APIC_SPURIOUS, 0x1ff);
    apic_write(APIC_LINT0, APIC_MASKED | EXTERNAL);
    apic_write(APIC_PRIORITY, 0);
    interrupt_handler = end_of_interrupt;
    interrupt_total = 0;
}

void apic_finish(void)
{
    interrupt_handler = NULL;
    apic_write(APIC_SPURIOUS, 0x1ff); /* while it is off all local vectors are masked */
    apic_write(APIC_LINT0, lint0_before);
    apic_write(APIC_SPURIOUS, spurious_before);
    interrupts_end();
}

/* Not that CR8 has four bits, and more fault: QEMU takes any. */
static void check_registers(void)
{
    check("APIC: its base register shows it on", read_msr(MSR_BASE) & 0xffffff800, PHYSICAL | BASE_ON);
    check("APIC: its identity is CPUID's", apic_read(APIC_ID) >> 24, cpuid_leaf(1, 0).ebx >> 24);
    check("APIC: a version that is integrated", (apic_read(APIC_VERSION) & 0xff) >> 4, 1);
    check("APIC: at least four local vectors", (apic_read(APIC_VERSION) >> 16 & 0xff) >= 3, 1);
    check("APIC: the spurious vector is read back", apic_read(APIC_SPURIOUS), 0x1ff);
    apic_write(APIC_PRIORITY, 0x50);
    check("APIC: the task priority is read back", apic_read(APIC_PRIORITY), 0x50);
    check("APIC: it is the running priority", apic_read(APIC_RUNNING) & 0xf0, 0x50);
    uint64_t control;
    __asm__ volatile("movq %%cr8, %0" : "=r"(control));
    check("APIC: and CR8", control, 5);
    __asm__ volatile("movq %0, %%cr8" : : "r"(3ull) : "memory");
    check("APIC: CR8 is the task priority", apic_read(APIC_PRIORITY), 0x30);
    apic_write(APIC_PRIORITY, 0);
    apic_write(APIC_LOGICAL, 0x02000000);
    check("APIC: the logical destination is read back", apic_read(APIC_LOGICAL), 0x02000000);
    apic_write(APIC_FORMAT, 0xffffffff);
    check("APIC: the destination format is read back", apic_read(APIC_FORMAT), 0xffffffff);
}

static unsigned served[4], served_count;
static bool was_in_service, was_requested;
static uint32_t running_priority;

static bool note_service(unsigned vector)
{
    if (served_count < 4)
        served[served_count++] = vector;
    was_in_service = apic_has(APIC_SERVICE, vector);
    was_requested = apic_has(APIC_REQUEST, vector);
    running_priority = apic_read(APIC_RUNNING);
    apic_write(APIC_END, 0);
    return true;
}

static void check_own_interrupts(void)
{
    interrupt_handler = note_service;
    served_count = 0;
    apic_write(APIC_COMMAND, TO_SELF | FIRST);
    check("APIC: an interrupt to itself waits", apic_has(APIC_REQUEST, FIRST), 1);
    check("APIC: it was sent", apic_read(APIC_COMMAND) & 0x1000, 0);
    interrupts_allow();
    check("APIC: and comes", served_count == 1 ? served[0] : 0, FIRST);
    check("APIC: it is in service in the handler", was_in_service, 1);
    check("APIC: no longer requested", was_requested, 0);
    check("APIC: the running priority is its class", running_priority & 0xf0, FIRST & 0xf0);
    check("APIC: not in service after its end", apic_has(APIC_SERVICE, FIRST), 0);
    served_count = 0;
    apic_write(APIC_COMMAND, TO_SELF | SECOND);
    apic_write(APIC_COMMAND, TO_SELF | FIRST);
    apic_write(APIC_COMMAND, TO_SELF | THIRD);
    apic_write(APIC_COMMAND, TO_SELF | THIRD); /* is one */
    interrupts_allow();
    check("APIC: each comes once", served_count, 3);
    check("APIC: the highest vector first", served[0], THIRD);
    check("APIC: then the next", served[1], SECOND);
    check("APIC: the lowest last", served[2], FIRST);
    served_count = 0;
    apic_write(APIC_PRIORITY, FIRST & 0xf0);
    apic_write(APIC_COMMAND, TO_SELF | FIRST);
    interrupts_allow();
    check("APIC: the task priority keeps its class out", served_count, 0);
    apic_write(APIC_COMMAND, TO_SELF | SECOND);
    interrupts_allow();
    check("APIC: and lets the next class in", served_count, 1);
    __asm__ volatile("movq %0, %%cr8" : : "r"(0ull) : "memory");
    interrupts_allow();
    check("APIC: lowered by CR8 it lets the first in", served_count, 2);
    served_count = 0;
    apic_write(APIC_COMMAND_HIGH, apic_read(APIC_ID));
    apic_write(APIC_COMMAND, FIRST);
    interrupts_allow();
    check("APIC: by its identity", served_count, 1);
    apic_write(APIC_COMMAND_HIGH, 0x02000000);
    apic_write(APIC_COMMAND, 0x800 | FIRST);
    interrupts_allow();
    check("APIC: by its logical destination", served_count, 2);
    apic_write(APIC_COMMAND_HIGH, 0x04000000);
    apic_write(APIC_COMMAND, 0x800 | FIRST);
    interrupts_allow();
    check("APIC: another logical destination is not it", served_count, 2);
    apic_write(APIC_COMMAND, 0xc0000 | FIRST);
    interrupts_allow();
    check("APIC: nor is all but itself", served_count, 2);
    apic_write(APIC_COMMAND, 0x80000 | FIRST);
    interrupts_allow();
    check("APIC: but all is", served_count, 3);
}

/* Of the same class: it waits for the end of the first. */
static bool send_within(unsigned vector)
{
    if (served_count < 4)
        served[served_count++] = vector;
    if (vector == SECOND) {
        apic_write(APIC_COMMAND, TO_SELF | THIRD);
        interrupts_allow();
        was_in_service = served_count == 1;
        apic_write(APIC_COMMAND, TO_SELF | 0x71);
        interrupts_allow();
        was_requested = served_count == 2;
    }
    apic_write(APIC_END, 0);
    return true;
}

static void check_nesting(void)
{
    interrupt_handler = send_within;
    served_count = 0;
    apic_write(APIC_COMMAND, TO_SELF | SECOND);
    interrupts_allow();
    check("APIC: the same class waits for the end", was_in_service, 1);
    check("APIC: a higher one does not", was_requested, 1);
    check("APIC: all came", served_count, 3);
    check("APIC: in the order of their classes", served[1] == 0x71 && served[2] == THIRD, 1);
    interrupt_handler = end_of_interrupt;
}

static void check_timer_of_apic(void)
{
    apic_write(APIC_DIVIDE, 0xb); /* by 1 */
    check("APIC timer: its divisor is read back", apic_read(APIC_DIVIDE), 0xb);
    apic_write(APIC_TIMER, APIC_MASKED | FIRST);
    apic_write(APIC_INITIAL, 0xffffffff);
    check("APIC timer: the initial count is read back", apic_read(APIC_INITIAL), 0xffffffff);
    uint32_t before = apic_read(APIC_CURRENT);
    wait_microseconds(1000);
    uint32_t counts = before - apic_read(APIC_CURRENT);
    check("APIC timer: it counts down", counts > 0, 1);
    check("APIC timer: calibrated by the timer, 1 MHz to 10 GHz", counts > 1000 && counts < 50000000, 1);
    apic_write(APIC_INITIAL, 0);
    check("APIC timer: stopped", apic_read(APIC_CURRENT), 0);
    interrupt_total = 0;
    apic_write(APIC_INITIAL, counts / 4);
    wait_microseconds(1000);
    interrupts_allow();
    check("APIC timer: masked it is silent", interrupt_total, 0);
    apic_write(APIC_TIMER, FIRST);
    apic_write(APIC_INITIAL, counts / 4);
    unsigned came = interrupts_await_late(1);
    came += interrupts_await(1, 2000);
    check("APIC timer: one shot comes once", came, 1);
    check("APIC timer: by its vector", interrupt_last, FIRST);
    check("APIC timer: and has counted to 0", apic_read(APIC_CURRENT), 0);
    apic_write(APIC_TIMER, PERIODIC | SECOND);
    apic_write(APIC_INITIAL, counts / 4);
    check("APIC timer: periodic comes again and again", interrupts_await_late(3), 3);
    check("APIC timer: by its new vector", interrupt_last, SECOND);
    apic_write(APIC_TIMER, APIC_MASKED | PERIODIC | SECOND);
    interrupts_allow();
    interrupt_total = 0;
    wait_microseconds(1000);
    interrupts_allow();
    check("APIC timer: masked while it runs", interrupt_total, 0);
    apic_write(APIC_INITIAL, 0);
    apic_write(APIC_TIMER, APIC_MASKED | FIRST);
    apic_write(APIC_DIVIDE, 3); /* by 16 */
    bool is_slower = false;
    for (unsigned i = 0; i < 20 && !is_slower; i++) {
        apic_write(APIC_INITIAL, 0xffffffff);
        wait_microseconds(1000);
        uint32_t divided = 0xffffffff - apic_read(APIC_CURRENT);
        is_slower = divided > counts / 64 && divided < counts / 4;
    }
    check("APIC timer: divided by 16 it is slower", is_slower, 1);
    apic_write(APIC_INITIAL, 0);
}

/* What the 8259As ask gets through by LINT0. */
static bool end_at_pic(unsigned vector)
{
    (void)vector;
    return false;
}

static void check_external(void)
{
    interrupt_handler = end_at_pic;
    pic_open(1);
    timer_load(0, 0, 20);
    wait_microseconds(1000);
    interrupt_total = 0;
    interrupts_allow();
    check("APIC: LINT0 masked keeps the 8259As out", interrupt_total, 0);
    apic_write(APIC_LINT0, EXTERNAL);
    timer_load(0, 0, 20);
    check("APIC: LINT0 lets them in", interrupts_await_late(1), 1);
    check("APIC: with their vector", interrupt_last, PIC_VECTOR);
    check("APIC: and keeps nothing in service", apic_has(APIC_SERVICE, PIC_VECTOR), 0);
    apic_write(APIC_LINT0, APIC_MASKED | EXTERNAL);
    pic_open(0);
    interrupt_handler = end_of_interrupt;
}

/* Interrupts are off, which does not hold it back. */
static void check_nmi(void)
{
    apic_write(APIC_COMMAND_HIGH, apic_read(APIC_ID));
    EXPECT_FAULT("movabsq $0xfffff20000000300, %%rax\n\tmovl $0x400, (%%rax)\n\tmovl $1000000, %%ecx\n2:\tloop 2b");
    fault_continue = 0;
    check("APIC: a non-maskable interrupt to itself", fault_vector, 2);
}

static void check_deadline(void)
{
    if (!(cpuid_leaf(1, 0).ecx & FEATURE_DEADLINE)) {
        check_absent(4);
        return;
    }
    apic_write(APIC_TIMER, DEADLINE | FIRST);
    interrupt_total = 0;
    write_msr(MSR_DEADLINE, read_counter() + (1ull << 40));
    interrupts_allow();
    check("APIC timer: a deadline far away", interrupt_total, 0);
    uint64_t before = read_counter();
    wait_microseconds(500);
    uint64_t now = read_counter();
    write_msr(MSR_DEADLINE, now + (now - before));
    check("APIC timer: a deadline comes once", interrupts_await(2, 5000), 1);
    check("APIC timer: and reads 0 then", read_msr(MSR_DEADLINE), 0);
    write_msr(MSR_DEADLINE, 1);
    check("APIC timer: a deadline that is over comes at once", interrupts_await(1, 1000), 1);
    apic_write(APIC_TIMER, APIC_MASKED);
}

static bool end_by_msr(unsigned vector)
{
    (void)vector;
    write_msr(MSR_X2(APIC_END), 0);
    return true;
}

static void check_x2(void)
{
    if (!(cpuid_leaf(1, 0).ecx & FEATURE_X2)) {
        check_absent(8);
        return;
    }
    uint64_t base = read_msr(MSR_BASE);
    EXPECT_FAULT("movl $0x802, %%ecx\n\trdmsr");
    check("x2APIC: no MSRs before it is on", fault_vector, VECTOR_PROTECTION);
    write_msr(MSR_BASE, base | BASE_X2);
    check("x2APIC: it is on", read_msr(MSR_BASE) & BASE_X2, BASE_X2);
    check("x2APIC: its identity", read_msr(MSR_X2(APIC_ID)), cpuid_leaf(0xb, 0).edx);
    check("x2APIC: what was set is kept", read_msr(MSR_X2(APIC_SPURIOUS)), 0x1ff);
    interrupt_handler = end_by_msr;
    interrupt_total = 0;
    write_msr(MSR_SELF, FIRST);
    interrupts_allow();
    check("x2APIC: an interrupt to itself", interrupt_total == 1 ? interrupt_last : 0, FIRST);
    write_msr(MSR_X2(APIC_COMMAND), TO_SELF | SECOND);
    interrupts_allow();
    check("x2APIC: by the command register", interrupt_total == 2 ? interrupt_last : 0, SECOND);
    EXPECT_FAULT("movl $0x80b, %%ecx\n\tmovl $1, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
    check("x2APIC: an end that is not 0", fault_vector, VECTOR_PROTECTION);
    EXPECT_FAULT("movl $0x80e, %%ecx\n\trdmsr");
    check("x2APIC: no destination format", fault_vector, VECTOR_PROTECTION);
    write_msr(MSR_BASE, base & ~(uint64_t)(BASE_ON | BASE_X2));
    write_msr(MSR_BASE, base);
    interrupt_handler = end_of_interrupt;
}

/* Of what is missing CPUID says so; then there is nothing to check. */
void check_local_apic(void)
{
    if (!apic_exists()) {
        check_absent(60);
        return;
    }
    apic_begin();
    check_registers();
    check_own_interrupts();
    check_nesting();
    check_timer_of_apic();
    check_external();
    check_nmi();
    check_deadline();
    check_x2();
    apic_finish();
}
