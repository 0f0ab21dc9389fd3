/* Waiting, physical memory, and what the processor has. */
#include "devices.h"

#include "cpu.h"
#include "memory/frames.h"
#include "memory/page_table.h"

#define TIMER_FREQUENCY 1193182
#define PORT_TIMER 0x40
#define PORT_CONTROL 0x61
#define GATE 1
#define OUTPUT 0x20
#define VIEW 0xfffff10000000000
#define VIEW_PAGES 16
#define NOT_CACHED 0x18 /* PWT and PCD */

void spin(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        __asm__ volatile("");
}

void wait_microseconds(unsigned count)
{
    out8(PORT_CONTROL, (in8(PORT_CONTROL) & 0xc) | GATE);
    timer_load(2, 0, (uint16_t)((uint64_t)count * TIMER_FREQUENCY / 1000000));
    while (!(in8(PORT_CONTROL) & OUTPUT))
        spin(400);
}

uint64_t read_counter(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

void timer_load(unsigned channel, unsigned mode, uint16_t count)
{
    out8(PORT_TIMER + 3, (uint8_t)(channel << 6 | 0x30 | mode << 1));
    out8((uint16_t)(PORT_TIMER + channel), (uint8_t)count);
    out8((uint16_t)(PORT_TIMER + channel), (uint8_t)(count >> 8));
}

uint16_t timer_read(unsigned channel)
{
    out8(PORT_TIMER + 3, (uint8_t)(channel << 6));
    uint8_t low = in8((uint16_t)(PORT_TIMER + channel));
    return (uint16_t)(low | in8((uint16_t)(PORT_TIMER + channel)) << 8);
}

volatile void *physical_view(uint64_t physical)
{
    uint64_t table = cpu_page_table();
    for (unsigned i = 0; i < VIEW_PAGES; i++) {
        map(table, VIEW + i * PAGE_SIZE, PAGE_DOWN(physical) + i * PAGE_SIZE, PROT_READ_WRITE);
        *bottom_entry(table, VIEW + i * PAGE_SIZE) |= NOT_CACHED;
        cpu_flush_page(VIEW + i * PAGE_SIZE);
    }
    return (volatile void *)(VIEW + physical % PAGE_SIZE);
}

struct leaf cpuid_leaf(uint32_t leaf, uint32_t subleaf)
{
    struct leaf found;
    __asm__ volatile("cpuid" : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx) : "a"(leaf), "c"(subleaf));
    return found;
}

uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
