#include "base/record.h"

struct kernel_record kernel_record;

/* Never inlined, never empty to the compiler: a debugger stops here. */
__attribute__((noinline)) void code_mapped(uint64_t page_table, uint64_t address, uint64_t physical)
{
    __asm__ volatile("" : : "r"(page_table), "r"(address), "r"(physical) : "memory");
}
