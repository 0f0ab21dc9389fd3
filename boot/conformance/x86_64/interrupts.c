/* Interrupts while devices are checked: a table with all vectors, whose handlers count. */
#include "base/bytes.h"
#include "devices.h"

#define FIRST 32
#define VECTORS 256
#define GATE_SIZE 16

extern const char interrupt_stubs[]; /* for vectors from FIRST on, 16 bytes each */

volatile unsigned interrupt_count[VECTORS], interrupt_last, interrupt_total;
bool (*interrupt_handler)(unsigned vector);

struct table_pointer {
    uint16_t unused[3], limit;
    uint64_t base;
};

static struct table_pointer before;
static uint8_t gates[VECTORS * GATE_SIZE] __attribute__((aligned(16)));

static void load(const struct table_pointer *pointer)
{
    __asm__ volatile("lidt %0" : : "m"(pointer->limit), "m"(pointer->base));
}

static void set_gate(unsigned vector)
{
    uint64_t handler = (uint64_t)interrupt_stubs + (vector - FIRST) * 16;
    uint64_t low = (handler & 0xffff) | 0x08ull << 16 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48;
    memory_copy(gates + vector * GATE_SIZE, &low, sizeof low);
    uint64_t high = handler >> 32;
    memory_copy(gates + vector * GATE_SIZE + 8, &high, sizeof high);
}

void interrupts_begin(void)
{
    __asm__ volatile("sidt %0" : "=m"(before.limit), "=m"(before.base));
    memory_copy(gates, (const void *)before.base, FIRST * GATE_SIZE);
    for (unsigned vector = FIRST; vector < VECTORS; vector++)
        set_gate(vector);
    const struct table_pointer all = {.limit = sizeof gates - 1, .base = (uint64_t)gates};
    load(&all);
    pic_start(PIC_VECTOR, 1);
}

void interrupts_end(void)
{
    pic_open(0);
    load(&before);
}

/* The stubs call it. */
void interrupt_came(unsigned vector);
void interrupt_came(unsigned vector)
{
    interrupt_last = vector;
    interrupt_count[vector]++;
    interrupt_total++;
    if (interrupt_handler && interrupt_handler(vector))
        return;
    if (vector < PIC_VECTOR || vector >= PIC_VECTOR + 16)
        return;
    if (vector >= PIC_VECTOR + 8)
        out8(PIC_SECOND, END_OF_INTERRUPT);
    out8(PIC_FIRST, END_OF_INTERRUPT);
}

void interrupts_allow(void)
{
    __asm__ volatile("sti" : : : "memory");
    spin(50);
    __asm__ volatile("cli" : : : "memory");
}

unsigned interrupts_await(unsigned count, unsigned microseconds)
{
    unsigned start = interrupt_total;
    out8(0x61, (in8(0x61) & 0xc) | 1);
    timer_load(2, 0, (uint16_t)((uint64_t)microseconds * 1193182 / 1000000));
    while (interrupt_total - start < count && !(in8(0x61) & 0x20)) {
        __asm__ volatile("sti" : : : "memory");
        spin(400);
        __asm__ volatile("cli" : : : "memory");
    }
    return interrupt_total - start;
}

unsigned interrupts_await_late(unsigned count)
{
    unsigned came = 0;
    for (unsigned i = 0; i < 100 && came < count; i++)
        came += interrupts_await(count - came, 20000);
    return came;
}

void pic_start(uint8_t base, uint8_t mode)
{
    out8(PIC_FIRST, 0x11);
    out8(PIC_SECOND, 0x11);
    out8(PIC_FIRST + 1, base);
    out8(PIC_SECOND + 1, base + 8);
    out8(PIC_FIRST + 1, 4);
    out8(PIC_SECOND + 1, 2);
    out8(PIC_FIRST + 1, mode);
    out8(PIC_SECOND + 1, mode);
    pic_open(0);
}

void pic_open(uint16_t lines)
{
    uint8_t first = (uint8_t)(lines | (lines >> 8 ? 4 : 0));
    out8(PIC_FIRST + 1, (uint8_t)~first);
    out8(PIC_SECOND + 1, (uint8_t)~(lines >> 8));
}
