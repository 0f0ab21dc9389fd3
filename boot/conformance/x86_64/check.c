/* Comparing, counting, and faults that are expected. */
#include "check.h"

#include "base/log.h"
#include "cpu.h"
#include "memory/frames.h"
#include "memory/page_table.h"

volatile uint64_t fault_vector, fault_error, fault_address, fault_rip, fault_with_ac, fault_continue;
uint64_t page_a, page_b;
static uint64_t passed, failed, absent;

void check(const char *name, uint64_t got, uint64_t wanted)
{
    if (got == wanted) {
        passed++;
        return;
    }
    failed++;
    log_format("FAIL %s: got %x, wanted %x\n", name, got, wanted);
}

void check_near(const char *name, uint64_t got, uint64_t wanted)
{
    check(name, got >= wanted - wanted / 8 && got <= wanted + wanted / 8 ? wanted : got, wanted);
}

void check_absent(unsigned count)
{
    absent += count;
}

_Noreturn void check_finish(void)
{
    log_format("conformance: %u passed, %u failed", passed, failed);
    if (absent)
        log_format(", %u of what this processor lacks", absent);
    log_format("\n");
    machine_end(failed ? VERDICT_FAIL : VERDICT_PASS);
}

uint64_t read_flags(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    return flags;
}

void fault_forget(void)
{
    fault_vector = fault_error = fault_address = fault_rip = NO_FAULT;
}

void fault_note(struct frame *frame)
{
    fault_with_ac = !!(read_flags() & FLAG_AC);
    fault_vector = frame->vector;
    fault_error = frame->error;
    fault_address = cpu_fault_address();
    fault_rip = frame->rip;
    frame->rip = fault_continue;
    frame->rflags &= ~0x100ull; /* single step */
    fault_continue = 0;
}

#define ENTRY_FRAME 0xffffffffff000ull

volatile uint64_t *bottom_entry(uint64_t table, uint64_t address)
{
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        table = ((uint64_t *)physical_pointer(table))[address >> shift & 511];
        if (!(table & 1))
            return NULL;
        table &= ENTRY_FRAME;
    }
    return (uint64_t *)physical_pointer(table) + (address >> 12 & 511);
}

void map(uint64_t table, uint64_t address, uint64_t frame, unsigned prot)
{
    const struct memory one = {.size = PAGE_SIZE, .start = frame};
    volatile uint64_t *entry = bottom_entry(table, address);
    if (entry && *entry & ENTRY_FRAME) /* which page_protect keeps */
        *entry = (*entry & ~ENTRY_FRAME) | frame;
    if (entry && *entry)
        page_protect(table, address, &one, 0, PAGE_SIZE, prot);
    else if (!page_map(table, address, &one, 0, PAGE_SIZE, prot))
        panic("no memory");
}

bool has(enum protection which)
{
    uint32_t highest, ebx, ecx, edx;
    __asm__("cpuid" : "=a"(highest), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0), "c"(0));
    if (highest < 7)
        return false;
    __asm__("cpuid" : "=a"(highest), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(7), "c"(0));
    return which == HAS_UMIP ? ecx >> 2 & 1 : which == HAS_SMEP ? ebx >> 7 & 1 : ebx >> 20 & 1;
}

uint64_t error_of_write(volatile void *address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tlock orb $0, (%1)\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

uint64_t error_of_read(uint64_t address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tmovb (%1), %%al\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

uint64_t error_of_jump(uint64_t address)
{
    fault_error = NO_FAULT;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tjmp *%1\n1:"
                     : "=m"(fault_continue)
                     : "c"(address)
                     : "rax", "memory");
    fault_continue = 0;
    return fault_error;
}

bool check_is_tcg(void)
{
    uint32_t eax = 0x40000000, ebx, ecx, edx;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return ebx == 0x54474354; /* "TCGT" */
}
