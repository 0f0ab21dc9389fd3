/* The x87's control and status words, environment, and the whole state. */
#include "x87.h"

#define CONTROL_INITIAL 0x37f
#define CONTROL_USED 0x1f3f /* the rest reads as 0x40 */
#define CONTROL_ONE 0x40
#define MXCSR_IN_STATE 24
#define LONGEST 15
#define TAG_VALID 0
#define TAG_ZERO 1
#define TAG_SPECIAL 2
#define TAG_EMPTY 3

static uint16_t status_word(const struct cpu *cpu)
{
    unsigned status = cpu->status & ~(0x3800u | STATUS_SUMMARY);
    return (uint16_t)(status | (cpu->top & 7) << 11 | (x87_pending(cpu) ? STATUS_SUMMARY : 0));
}

static void initialize(struct cpu *cpu)
{
    cpu->status = 0;
    cpu->top = 0;
    cpu->control = CONTROL_INITIAL;
    for (unsigned i = 0; i < 8; i++)
        cpu->is_empty[i] = 1;
}

REPLACEMENT(fnstsw, uint32_t, (struct cpu *cpu))
{
    return status_word(cpu);
}

REPLACEMENT(fnstcw, uint32_t, (struct cpu *cpu))
{
    return (cpu->control & CONTROL_USED) | CONTROL_ONE;
}

REPLACEMENT(fldcw, void, (struct cpu *cpu, uint32_t value))
{
    x87_begin(cpu, CALLER);
    cpu->control = (value & CONTROL_USED) | CONTROL_ONE;
}

REPLACEMENT(fclex, void, (struct cpu *cpu))
{
    cpu->status &= STATUS_CONDITIONS;
}

REPLACEMENT(fninit, void, (struct cpu *cpu))
{
    initialize(cpu);
}

REPLACEMENT(fwait, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
}

/* The register that the MMX instruction at RIP writes; -1: none. Prefixes, 0F, opcode, ModRM. */
static int mmx_written(struct cpu *cpu)
{
    uint8_t code[LONGEST];
    unsigned at = 0;
    for (; at < LONGEST && (at == 0 || code[at - 1] != 0x0f); at++)
        code[at] = unicorn_code(cpu, at);
    if (at == LONGEST)
        return -1;
    uint8_t opcode = unicorn_code(cpu, at), operands = unicorn_code(cpu, at + 1);
    bool is_register = operands >> 6 == 3;
    switch (opcode) {
    case 0x2a: /* to XMM, memory and general registers */
    case 0x7e:
    case 0xc5:
    case 0xd7:
    case 0xe7:
    case 0xf7:
        return -1;
    case 0xd6: /* movq2dq, movdq2q */
        return code[0] == 0xf2 ? operands >> 3 & 7 : -1;
    case 0x7f:
        return is_register ? operands & 7 : -1;
    case 0x71: /* shifts by constants */
    case 0x72:
    case 0x73:
        return operands & 7;
    default:
        return operands >> 3 & 7;
    }
}

static void begin_mmx(struct cpu *cpu, uintptr_t caller)
{
    x87_begin(cpu, caller);
    cpu->top = 0;
    for (unsigned i = 0; i < 8; i++)
        cpu->is_empty[i] = 0;
}

/* An MMX instruction. Of a register that it writes the exponent is all ones. */
REPLACEMENT(enter_mmx, void, (struct cpu *cpu))
{
    begin_mmx(cpu, CALLER);
    unicorn_find_rip(cpu, CALLER);
    int written = mmx_written(cpu);
    if (written >= 0)
        cpu->x87[written].exponent = 0xffff;
}

/* Those of SSSE3, which do not call enter_mmx. */
#define SSSE3(name) \
    REPLACEMENT(name##_mmx, void, (struct cpu *cpu, struct extended *d, const struct extended *s)) \
    { \
        begin_mmx(cpu, CALLER); \
        ORIGINAL(name##_mmx)(cpu, d, s); \
        d->exponent = 0xffff; \
    }

SSSE3(pabsb)
SSSE3(pabsw)
SSSE3(pabsd)
SSSE3(phaddw)
SSSE3(phaddd)
SSSE3(phaddsw)
SSSE3(phsubw)
SSSE3(phsubd)
SSSE3(phsubsw)
SSSE3(pmaddubsw)
SSSE3(pmulhrsw)
SSSE3(pshufb)
SSSE3(psignb)
SSSE3(psignw)
SSSE3(psignd)

REPLACEMENT(palignr_mmx, void, (struct cpu *cpu, struct extended *d, const struct extended *s, int32_t shift))
{
    begin_mmx(cpu, CALLER);
    ORIGINAL(palignr_mmx)(cpu, d, s, shift);
    d->exponent = 0xffff;
}

static unsigned tag_of(const struct cpu *cpu, unsigned index)
{
    struct number n = number_from80(cpu->x87[index]);
    if (cpu->is_empty[index])
        return TAG_EMPTY;
    return n.kind == NUMBER_ZERO ? TAG_ZERO : n.kind == NUMBER_FINITE && !n.denormal ? TAG_VALID : TAG_SPECIAL;
}

/* Seven words of 16 or 32 bits. Where the last instruction and its operand were is always 0. */
static void store_environment(struct cpu *cpu, uint64_t address, bool is32, uintptr_t caller)
{
    unsigned tags = 0;
    for (unsigned i = 8; i-- > 0;)
        tags = tags << 2 | tag_of(cpu, i);
    const uint32_t words[7] = {(cpu->control & CONTROL_USED) | CONTROL_ONE, status_word(cpu), tags};
    for (unsigned i = 0; i < 7; i++) {
        if (is32)
            unicorn_store32(cpu, address + 4 * i, words[i] | (i < 3 || i == 6 ? 0xffff0000 : 0), caller);
        else
            unicorn_store16(cpu, address + 2 * i, words[i], caller);
    }
}

static void load_environment(struct cpu *cpu, uint64_t address, bool is32, uintptr_t caller)
{
    unsigned step = is32 ? 4 : 2;
    uint16_t control = (uint16_t)unicorn_load16(cpu, address, caller);
    uint16_t status = (uint16_t)unicorn_load16(cpu, address + step, caller);
    uint32_t tags = unicorn_load16(cpu, address + 2 * step, caller);
    cpu->control = (control & CONTROL_USED) | CONTROL_ONE;
    cpu->top = status >> 11 & 7;
    cpu->status = status & ~0x3800;
    for (unsigned i = 0; i < 8; i++)
        cpu->is_empty[i] = (tags >> 2 * i & 3) == TAG_EMPTY;
}

REPLACEMENT(fstenv, void, (struct cpu *cpu, uint64_t address, int is32))
{
    store_environment(cpu, address, is32, CALLER);
    cpu->control |= FLAGS_ALL;
}

REPLACEMENT(fldenv, void, (struct cpu *cpu, uint64_t address, int is32))
{
    x87_begin(cpu, CALLER);
    load_environment(cpu, address, is32, CALLER);
}

REPLACEMENT(fsave, void, (struct cpu *cpu, uint64_t address, int is32))
{
    store_environment(cpu, address, is32, CALLER);
    address += is32 ? 28 : 14;
    for (unsigned st = 0; st < 8; st++, address += 10) {
        struct extended value = cpu->x87[x87_index(cpu, st)];
        unicorn_store64(cpu, address, value.digits, CALLER);
        unicorn_store16(cpu, address + 8, value.exponent, CALLER);
    }
    initialize(cpu);
}

REPLACEMENT(frstor, void, (struct cpu *cpu, uint64_t address, int is32))
{
    x87_begin(cpu, CALLER);
    load_environment(cpu, address, is32, CALLER);
    address += is32 ? 28 : 14;
    for (unsigned st = 0; st < 8; st++, address += 10) {
        struct extended *to = &cpu->x87[x87_index(cpu, st)];
        to->digits = unicorn_load64(cpu, address, CALLER);
        to->exponent = (uint16_t)unicorn_load16(cpu, address + 8, CALLER);
    }
}

/* Unicorn's own store the words as they lie there. They must be tail calls: Unicorn finds the instruction by where they
 * return to. */
static void settle(struct cpu *cpu)
{
    cpu->status = status_word(cpu) & ~0x3800;
    cpu->control = (cpu->control & CONTROL_USED) | CONTROL_ONE;
}

REPLACEMENT(fxsave, void, (struct cpu *cpu, uint64_t address))
{
    settle(cpu);
    __attribute__((musttail)) return ORIGINAL(fxsave)(cpu, address);
}

/* A reserved bit of MXCSR is refused before anything is loaded. */
REPLACEMENT(fxrstor, void, (struct cpu *cpu, uint64_t address))
{
    bool has_mxcsr = cpu->control_registers[4] & CR4_OSFXSR, is_aligned = !(address & 15);
    if (has_mxcsr && is_aligned && unicorn_load16(cpu, address + MXCSR_IN_STATE + 2, CALLER))
        unicorn_raise_protection(cpu, CALLER);
    __attribute__((musttail)) return ORIGINAL(fxrstor)(cpu, address);
}

REPLACEMENT(xsave, void, (struct cpu *cpu, uint64_t address, uint64_t parts))
{
    settle(cpu);
    __attribute__((musttail)) return ORIGINAL(xsave)(cpu, address, parts);
}

REPLACEMENT(xsaveopt, void, (struct cpu *cpu, uint64_t address, uint64_t parts))
{
    settle(cpu);
    __attribute__((musttail)) return ORIGINAL(xsaveopt)(cpu, address, parts);
}
