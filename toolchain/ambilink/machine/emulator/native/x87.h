/* The x87's state as Unicorn has it, and what its instructions share.
 *
 * Unicorn makes one or several calls of an instruction: `fadd m32` is flds_FT0, fadd_ST0_FT0; `fld1` is fpush, fld1_ST0;
 * `fstp st(1)` is fmov_STN_ST0, fpop. The first call of each begins with x87_begin. */
#pragma once

#include "native.h"
#include "number.h"

#include <stddef.h>

struct cpu { /* of CPUX86State */
    uint64_t registers[16], rip, eflags;
    uint64_t cc_destination, cc_source, cc_source2;
    uint32_t cc_operation;
    int32_t direction;
    uint32_t hflags;
    uint32_t unused0;
    struct {
        uint32_t selector;
        uint64_t base;
        uint32_t limit, flags;
    } segments[10];
    uint64_t control_registers[5];
    uint8_t unused1[140];
    uint32_t top;
    uint16_t status; /* without TOP; ES and B follow from the rest */
    uint16_t control;
    uint8_t is_empty[8];
    uint8_t unused2[4];
    struct extended x87[8];
    uint8_t unused3[32];
    struct extended operand; /* FT0: the second operand of an instruction in two calls */
    uint8_t unused4[16];
    uint32_t mxcsr;
};

_Static_assert(offsetof(struct cpu, control_registers) == 424, "of Unicorn 2.1.4");
_Static_assert(offsetof(struct cpu, top) == 604, "of Unicorn 2.1.4");
_Static_assert(offsetof(struct cpu, x87) == 624, "of Unicorn 2.1.4");
_Static_assert(offsetof(struct cpu, operand) == 784, "of Unicorn 2.1.4");
_Static_assert(offsetof(struct cpu, mxcsr) == 816, "of Unicorn 2.1.4");

#define BEFORE_CPU 0x8a50 /* from the start of CPUState to that of CPUX86State */

/* Marks of the second operand. */
#define MARK_EMPTY 1
#define MARK_DENORMAL 2 /* it was one in the format that it was loaded from */
/* Marks of an instruction in several calls, in operand.unused[0]. */
#define MARK_SKIP_POP 1 /* an exception that is not masked: what follows is not done */
#define MARK_PUSHING 2  /* the next call pushes */
#define MARK_DONE 4     /* nothing is left to be done */

#define STATUS_STACK_FAULT 0x40
#define STATUS_SUMMARY 0x8080
#define STATUS_C0 0x100
#define STATUS_C1 0x200
#define STATUS_C2 0x400
#define STATUS_C3 0x4000
#define STATUS_CONDITIONS (STATUS_C0 | STATUS_C1 | STATUS_C2 | STATUS_C3)

#define VECTOR_INVALID_OPCODE 6
#define VECTOR_PROTECTION 13
#define VECTOR_X87 16
#define VECTOR_SIMD 19
#define CR0_NE 0x20
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400

/* Declare and begin to define a function that takes the place of Unicorn's. */
#define REPLACEMENT(function, result, parameters) \
    REPLACES(function, result, parameters); \
    EXPORT result helper_##function##_x86_64 parameters

/* Where the call of a helper returns to, in translated code: tells Unicorn the instruction. */
#define CALLER ((uintptr_t)__builtin_return_address(0))

/* Unicorn's own. Those that raise do not return. */
void unicorn_raise(struct cpu *cpu, int vector, uintptr_t caller);
void unicorn_raise_protection(struct cpu *cpu, uintptr_t caller);
/* The running block is left at the instruction of RIP, which counts. */
void unicorn_settle(struct cpu *cpu);
/* RIP is that of the instruction which calls; and a byte of it. */
void unicorn_find_rip(struct cpu *cpu, uintptr_t caller);
uint8_t unicorn_code(struct cpu *cpu, unsigned offset);
/* Go on behind the x87 instruction with a memory operand that calls, without what is left of it. */
_Noreturn void unicorn_skip(struct cpu *cpu, uintptr_t caller);
uint32_t unicorn_load8(struct cpu *cpu, uint64_t address, uintptr_t caller);
uint32_t unicorn_load16(struct cpu *cpu, uint64_t address, uintptr_t caller);
uint64_t unicorn_load64(struct cpu *cpu, uint64_t address, uintptr_t caller);
void unicorn_store8(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller);
void unicorn_store16(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller);
void unicorn_store32(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller);
void unicorn_store64(struct cpu *cpu, uint64_t address, uint64_t value, uintptr_t caller);

/* Raise #MF for what earlier instructions left. Each instruction but those that do not wait begins so. */
void x87_begin(struct cpu *cpu, uintptr_t caller);

/* Exceptions that are pending: flagged and not masked. */
static inline unsigned x87_pending(const struct cpu *cpu)
{
    return cpu->status & ~cpu->control & FLAGS_ALL;
}

static inline unsigned x87_index(const struct cpu *cpu, unsigned st)
{
    return (cpu->top + st) & 7;
}

static inline bool x87_is_empty(const struct cpu *cpu, unsigned st)
{
    return cpu->is_empty[x87_index(cpu, st)];
}

static inline struct number x87_number(const struct cpu *cpu, unsigned st)
{
    return number_from80(cpu->x87[x87_index(cpu, st)]);
}

static inline unsigned x87_mode(const struct cpu *cpu)
{
    return cpu->control >> 10 & 3;
}

static inline void x87_conditions(struct cpu *cpu, unsigned which, unsigned value)
{
    cpu->status = (uint16_t)((cpu->status & ~which) | value);
}

/* Flag exceptions; C1 is whether the result was rounded up. */
static inline void x87_flag(struct cpu *cpu, unsigned flags, bool up)
{
    x87_conditions(cpu, STATUS_C1, up ? STATUS_C1 : 0);
    cpu->status |= (uint16_t)flags;
}

/* Flag what was found in the operands. False: one is not masked, so there is no result, and no pop follows. */
bool x87_accepts(struct cpu *cpu, unsigned flags);

/* The same for a stack that is too short (or, C1, full). */
bool x87_accepts_stack_fault(struct cpu *cpu, bool is_overflow);

/* A register that an instruction reads is empty. False: ST(target) got what masked exceptions give, or none may. */
bool x87_has(struct cpu *cpu, bool is_empty, unsigned target);

void x87_set(struct cpu *cpu, unsigned st, struct extended value);

/* Before an fcmov's condition is looked at: what is pending is raised, and empty registers are a stack fault. */
void x87_begin_conditional_move(struct cpu *cpu, int st);
void x87_push(struct cpu *cpu, struct extended value);
void x87_push_unchecked(struct cpu *cpu, struct extended value); /* whatever lay there */
void x87_pop(struct cpu *cpu);

/* Round by the control word (whole: 64 bits whatever it says of precision), flag, store in ST(target). */
void x87_round_to(struct cpu *cpu, unsigned target, struct number n, bool whole);

/* What two operands give that are not both numbers: *result and the flags. False: both are numbers. */
bool x87_nan_result(struct number a, struct number b, struct number *result, unsigned *flags);
