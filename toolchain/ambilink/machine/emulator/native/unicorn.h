/* What the helper knows of the structures of Unicorn 2.1.4 (QEMU 5.0.1) on x86-64, by offset. machine_attach compares
 * with an engine what can be compared, and refuses one that is laid out otherwise. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum engine_offset {
    ENGINE_CPU = 0x1b8,
    ENGINE_TRANSLATOR = 0x300,
    ENGINE_INVALID_ERROR = 0x590, /* an access to an address with nothing behind it */
};

enum cpu_offset {
    CPU_NEXT_BLOCK = 0x18, /* flags for the next block alone; -1: the usual ones */
    CPU_STATE_POINTER = 0x128,
    CPU_CAN_ACCESS_DEVICES = 0x819c,
    CPU_EXCEPTION = 0x81a0,
    CPU_ENGINE = 0x81a8,
    CPU_EXIT_REQUESTED = 0x81b8,
    CPU_EXIT = 0x8a40, /* negative: translated code shall leave at the next block */
    CPU_STATE = 0x8a50,
};

enum translator_offset {
    TRANSLATOR_FIRST = 0x7388, /* operation of the block that is translated */
    TRANSLATOR_LAST = 0x7390,  /* the links of the last one */
    TRANSLATOR_ENGINE = 0x9970,
};

enum state_offset {
    STATE_ENGINE = 0x1b58,
};

enum {
    NO_EXCEPTION = -1,
    EXCEPTIONS = 0x100, /* the processor's are below, Unicorn's own above: */
    HALT = 0x10001,
};

struct segment {
    uint32_t selector;
    uint64_t base;
    uint32_t limit;
    uint32_t flags;
};

enum { RAX, RCX, RDX, RBX, RSP, R11 = 11 };
enum { ES, CS, SS };

/* CPUX86State. */
struct cpu_state {
    uint64_t registers[16]; /* in the order of their encoding */
    uint64_t rip;
    uint64_t eflags; /* without the arithmetic flags and DF */
    uint64_t cc_result, cc_source, cc_source2;
    uint32_t cc_operation;
    int32_t direction; /* 1 or -1 */
    uint32_t hflags, hflags2;
    struct segment segments[6];
    struct segment ldt, tr, gdt, idt;
    uint64_t control[9];
    uint8_t unused_1[592 - 496];
    uint64_t efer;
    uint8_t unused_4[4824 - 600];
    uint64_t star;
    uint64_t unused_2;
    uint64_t lstar, cstar, fmask;
    uint8_t unused_3[5384 - 4864];
    int32_t error_code;
    int32_t is_software; /* the exception is an int instruction's */
    uint64_t next_rip;   /* behind it */
    uint64_t debug[8];
    void *breakpoints[4];
    int32_t old_exception;
};

_Static_assert(offsetof(struct cpu_state, segments) == 184, "CPUX86State");
_Static_assert(offsetof(struct cpu_state, star) == 4824, "CPUX86State");
_Static_assert(offsetof(struct cpu_state, error_code) == 5384, "CPUX86State");
_Static_assert(offsetof(struct cpu_state, old_exception) == 5496, "CPUX86State");

enum hflag {
    HFLAG_PRIVILEGE = 3,
    HFLAG_INHIBIT_INTERRUPT = 1 << 3, /* the instruction after sti or mov to ss */
    HFLAG_CS64 = 1 << 15,
    HFLAG_PORT_BREAKPOINT = 1 << 24,
};

enum eflag {
    FLAG_RESERVED = 0x2,
    FLAG_TRAP = 0x100,
    FLAG_INTERRUPT = 0x200,
    FLAG_DIRECTION = 0x400,
    FLAG_IOPL_SHIFT = 12,
    FLAG_RESUME = 0x10000,
    FLAGS_ARITHMETIC = 0x8d5,
    FLAGS_CLEARED_BY_GATE = 0x34100, /* VM RF NT TF */
};

/* TranslationBlock: guest code, and where its translation lies. */
struct block {
    uint64_t pc;
    uint64_t cs_base;
    uint32_t flags;
    uint16_t size;
    uint16_t instructions;
    uint32_t compile_flags;
    uint32_t unused;
    const uint8_t *code;
    size_t code_size; /* behind the code: a table of its instructions */
};

/* TCGOp: what a block is made of before it is translated to the host's code. */
struct operation {
    uint8_t code;
    uint8_t parameters[7];
    struct operation *next;
    void *previous;
    uint64_t arguments[10];
};

enum operation_code {
    OPERATION_CALL = 2,
    OPERATION_MOVE_CONSTANT_32 = 6,
    OPERATION_INSTRUCTION_STARTS = 129, /* its first argument is the address */
};

static inline void *pointer_at(const void *structure, size_t offset)
{
    return *(void *const *)((const char *)structure + offset);
}

static inline int32_t *int_at(void *structure, size_t offset)
{
    return (int32_t *)((char *)structure + offset);
}
