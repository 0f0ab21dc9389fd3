/* Address translation in ring 0. */
#include "base/bytes.h"
#include "check.h"
#include "checks.h"
#include "cpu.h"
#include "devices.h"
#include "memory/frames.h"
#include "memory/page_table.h"

#define TEST_PAGE 0xfffff00000000000
#define HUGE_PAGE 0xffff900000000000 /* a slot of the top table that nothing else uses */
#define FEATURES 0x80000001
#define EDX_HUGE_PAGES (1u << 26)
#define TABLE_ENTRY 3 /* present, writable */
#define HUGE_ENTRY (TABLE_ENTRY | 0x80)

/* The first GiB of memory by one entry of the second table. */
static void check_huge_page(uint64_t table)
{
    uint64_t *top = (uint64_t *)physical_pointer(table) + (HUGE_PAGE >> 39 & 511), second = frame_alloc();
    uint64_t *entry = physical_pointer(second), before = *top;
    if (!(cpuid_leaf(FEATURES, 0).edx & EDX_HUGE_PAGES)) {
        check_absent(3);
        return;
    }
    page_clear(entry);
    *entry = HUGE_ENTRY;
    *top = second | TABLE_ENTRY;
    volatile uint64_t *seen = (volatile uint64_t *)(HUGE_PAGE + page_b);
    check("a page of 1 GiB is read", *seen, PATTERN_B);
    *seen = 11;
    check("and written", *(uint64_t *)physical_pointer(page_b), 11);
    check("which its one entry shows", *entry & 0x60, 0x60);
    *top = before;
    cpu_set_page_table(table);
}

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
    check_huge_page(table);
    *(uint64_t *)physical_pointer(page_b) = PATTERN_B;
}
