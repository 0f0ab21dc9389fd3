/* What the checks of devices share: waiting, interrupts of their own, physical memory, and what the processor has. */
#ifndef DEVICES_H
#define DEVICES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "port.h"

#define PIC_FIRST 0x20
#define PIC_SECOND 0xa0
#define PIC_VECTOR 0x40 /* of line 0, while devices are checked */
#define END_OF_INTERRUPT 0x20
#define LINE_TIMER 0
#define LINE_SERIAL 4
#define LINE_CLOCK 8

/* Interrupts from vector 32 on are counted, and end at the controller that sent them; no line of the 8259As gets
 * through yet. Until interrupts_end, which gives back the kernel's own table. */
void interrupts_begin(void);
void interrupts_end(void);
extern volatile unsigned interrupt_count[256], interrupt_last, interrupt_total;
/* Called by each before it ends, if it is set: it may end the interrupt itself and return true. */
extern bool (*interrupt_handler)(unsigned vector);
/* Let in what waits, for a few instructions. */
void interrupts_allow(void);
/* Let interrupts in until so many came since the call, or for at most so many microseconds; returns how many. */
unsigned interrupts_await(unsigned count, unsigned microseconds);
/* Likewise, for as long as a busy machine may take. */
unsigned interrupts_await_late(unsigned count);
/* Initialise both 8259As; `mode` is ICW4, `base` the first vector. All lines are masked. */
void pic_start(uint8_t base, uint8_t mode);
/* Let the lines through whose bits are set. */
void pic_open(uint16_t lines);

/* By the timer's third channel; at most 54,000. */
void wait_microseconds(unsigned count);
void spin(unsigned count);
uint64_t read_counter(void);

/* Load a channel of the timer: low byte, then high byte. */
void timer_load(unsigned channel, unsigned mode, uint16_t count);
uint16_t timer_read(unsigned channel);

/* Addresses of physical memory, a few pages at a time, until the next call. */
volatile void *physical_view(uint64_t physical);

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};
struct leaf cpuid_leaf(uint32_t leaf, uint32_t subleaf);
uint64_t read_msr(uint32_t msr);
void write_msr(uint32_t msr, uint64_t value);

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
#endif
