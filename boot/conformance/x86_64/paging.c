/* Address translation in ring 0. */
#include "check.h"
#include "checks.h"
#include "cpu.h"
#include "memory/frames.h"
#include "memory/page_table.h"

#define TEST_PAGE 0xfffff00000000000

void check_paging(void)
{
    uint64_t table = cpu_page_table();
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
