/* The local APIC's registers, for those who check interrupts that go there. */
#ifndef LOCAL_APIC_H
#define LOCAL_APIC_H
#include <stdbool.h>
#include <stdint.h>

enum apic_register {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_PRIORITY = 0x80,
    APIC_RUNNING = 0xa0,
    APIC_END = 0xb0,
    APIC_LOGICAL = 0xd0,
    APIC_FORMAT = 0xe0,
    APIC_SPURIOUS = 0xf0,
    APIC_SERVICE = 0x100,
    APIC_TRIGGER = 0x180,
    APIC_REQUEST = 0x200,
    APIC_ERRORS = 0x280,
    APIC_COMMAND = 0x300,
    APIC_COMMAND_HIGH = 0x310,
    APIC_TIMER = 0x320,
    APIC_LINT0 = 0x350,
    APIC_ERROR = 0x370,
    APIC_INITIAL = 0x380,
    APIC_CURRENT = 0x390,
    APIC_DIVIDE = 0x3e0,
};

#define APIC_MASKED 0x10000

/* CPUID promises one. */
bool apic_exists(void);
uint32_t apic_read(enum apic_register at);
void apic_write(enum apic_register at, uint32_t value);
/* Whether a vector's bit is set in the 256 of APIC_SERVICE, APIC_TRIGGER or APIC_REQUEST. */
bool apic_has(enum apic_register at, unsigned vector);
/* Map its registers, switch it on with interrupts_begin, and keep the 8259As out; apic_end undoes it. Interrupts end at it. */
void apic_begin(void);
void apic_finish(void);
#endif
