/* The processor's tables, its traps, and the serial line. */
#include "kernel.h"

#define COM1 0x3f8

extern const uint8_t exception_stubs[], call_stub[], kernel_stack_end[];

struct __attribute__((packed)) table { uint16_t limit; uint64_t address; };

static uint64_t segments[7] = {0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cff2000000ffff, 0x00affa000000ffff};
static uint64_t gates[256][2];
static struct __attribute__((packed)) { uint32_t none; uint64_t stack[3]; uint8_t rest[76]; } task = {.rest = {[74] = 104}};

static void out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void cpu_put(char c)
{
    while (!(in(COM1 + 5) & 0x20))
        ;
    out(COM1, (uint8_t)c);
}

void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void set_gate(unsigned vector, const uint8_t *stub, unsigned privilege)
{
    uint64_t address = (uint64_t)stub;
    gates[vector][0] = (address & 0xffff) | 8 << 16 | (0x8e00ull | privilege << 13) << 32 | (address >> 16 & 0xffff) << 48;
    gates[vector][1] = address >> 32;
}

void cpu_init(void)
{
    uint64_t address = (uint64_t)&task;
    task.stack[0] = (uint64_t)kernel_stack_end;
    segments[5] = (sizeof task - 1) | (address & 0xffffff) << 16 | 0x89ull << 40 | (address >> 24 & 0xff) << 56;
    segments[6] = address >> 32;
    for (unsigned vector = 0; vector < 32; vector++)
        set_gate(vector, exception_stubs + vector * 16, 0);
    set_gate(FERN_VECTOR, call_stub, 3);
    const struct table segment_table = {sizeof segments - 1, (uint64_t)segments};
    const struct table gate_table = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(segment_table), "m"(gate_table), "r"(0x28));
}

void cpu_set_space(uint64_t space)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(space) : "memory");
}

void cpu_set_thread_pointer(uint64_t pointer)
{
    __asm__ volatile("wrmsr" : : "c"(0xc0000100), "a"((uint32_t)pointer), "d"((uint32_t)(pointer >> 32)));
}

void trap(struct frame *frame)
{
    if (frame->vector == FERN_VECTOR) {
        call_dispatch(frame);
        return;
    }
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    if (!(frame->cs & 3))
        panic("exception in the kernel, at", frame->rip);
    log_line("fern: a fault ends %s, at", current->name, frame->rip);
    log_line("fern: its vector and address", "", frame->vector << 56 | address);
    process_end(current, -1, true);
    process_next(frame);
}
