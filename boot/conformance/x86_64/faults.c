/* Exceptions in ring 0. */
#include "check.h"
#include "checks.h"

#define ABSENT_KERNEL_ADDRESS 0x700000000000

void check_faults(void)
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
