/* The protections that the kernel turns on: CR0 and CR4, user memory, its own text and constants. */
#include "base/bytes.h"
#include "check.h"
#include "checks.h"
#include "cpu.h"
#include "memory/frames.h"
#include "memory/page_table.h"

#define TEST_USER_PAGE 0x60000000

/* What the processor has must be on. */
void check_control(void)
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

static void check_user_pages(void)
{
    static const uint8_t jump[] = {0xff, 0xe0};
    memory_copy(physical_pointer(page_a), jump, sizeof jump);
    map(cpu_page_table(), TEST_USER_PAGE, page_a, PROT_READ_EXECUTE);
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

void check_protection(void)
{
    check_user_pages();
    check_kernel_pages();
}
