#include "x87.h"

#include "machine.h"

UNICORNS(raise_exception_ra_x86_64, void, (struct cpu *, int, uintptr_t));
UNICORNS(raise_exception_err_ra_x86_64, void, (struct cpu *, int, int, uintptr_t));
UNICORNS(cpu_restore_state_x86_64, bool, (void *, uintptr_t, bool));
UNICORNS(cpu_loop_exit_noexc_x86_64, void, (void *));
UNICORNS(cpu_ldub_code_x86_64, uint32_t, (struct cpu *, uint64_t));
UNICORNS(cpu_ldub_data_ra_x86_64, uint32_t, (struct cpu *, uint64_t, uintptr_t));
UNICORNS(cpu_lduw_data_ra_x86_64, uint32_t, (struct cpu *, uint64_t, uintptr_t));
UNICORNS(cpu_ldq_data_ra_x86_64, uint64_t, (struct cpu *, uint64_t, uintptr_t));
UNICORNS(cpu_stb_data_ra_x86_64, void, (struct cpu *, uint64_t, uint32_t, uintptr_t));
UNICORNS(cpu_stw_data_ra_x86_64, void, (struct cpu *, uint64_t, uint32_t, uintptr_t));
UNICORNS(cpu_stl_data_ra_x86_64, void, (struct cpu *, uint64_t, uint32_t, uintptr_t));
UNICORNS(cpu_stq_data_ra_x86_64, void, (struct cpu *, uint64_t, uint64_t, uintptr_t));

void unicorn_raise(struct cpu *cpu, int vector, uintptr_t caller)
{
    ORIGINAL(raise_exception_ra_x86_64)(cpu, vector, caller);
}

void unicorn_raise_protection(struct cpu *cpu, uintptr_t caller)
{
    ORIGINAL(raise_exception_err_ra_x86_64)(cpu, VECTOR_PROTECTION, 0, caller);
}

uint32_t unicorn_load8(struct cpu *cpu, uint64_t address, uintptr_t caller)
{
    return ORIGINAL(cpu_ldub_data_ra_x86_64)(cpu, address, caller);
}

uint32_t unicorn_load16(struct cpu *cpu, uint64_t address, uintptr_t caller)
{
    return ORIGINAL(cpu_lduw_data_ra_x86_64)(cpu, address, caller);
}

uint64_t unicorn_load64(struct cpu *cpu, uint64_t address, uintptr_t caller)
{
    return ORIGINAL(cpu_ldq_data_ra_x86_64)(cpu, address, caller);
}

void unicorn_store8(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller)
{
    ORIGINAL(cpu_stb_data_ra_x86_64)(cpu, address, value, caller);
}

void unicorn_store16(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller)
{
    ORIGINAL(cpu_stw_data_ra_x86_64)(cpu, address, value, caller);
}

void unicorn_store32(struct cpu *cpu, uint64_t address, uint32_t value, uintptr_t caller)
{
    ORIGINAL(cpu_stl_data_ra_x86_64)(cpu, address, value, caller);
}

void unicorn_store64(struct cpu *cpu, uint64_t address, uint64_t value, uintptr_t caller)
{
    ORIGINAL(cpu_stq_data_ra_x86_64)(cpu, address, value, caller);
}

void unicorn_find_rip(struct cpu *cpu, uintptr_t caller)
{
    ORIGINAL(cpu_restore_state_x86_64)((char *)cpu - BEFORE_CPU, caller, false);
}

uint8_t unicorn_code(struct cpu *cpu, unsigned offset)
{
    uint64_t base = cpu->hflags >> 15 & 1 ? 0 : cpu->segments[1].base;
    return (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, base + cpu->rip + offset);
}

/* Bytes of an x87 instruction with a memory operand: prefixes, opcode, ModRM, SIB, displacement. */
static unsigned instruction_size(struct cpu *cpu, uint64_t start, bool is64, bool is32)
{
    uint64_t at = start;
    uint8_t byte = (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, at);
    bool other_size = false;
    for (; byte < 0xd8 || byte > 0xdf; byte = (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, ++at))
        other_size |= byte == 0x67;
    uint8_t modrm = (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, ++at), mod = modrm >> 6, rm = modrm & 7;
    if (!is64 && is32 == other_size) /* 16-bit addresses */
        return (unsigned)(at + 1 - start) + (mod == 0 ? (rm == 6 ? 2 : 0) : mod);
    if (rm == 4) {
        uint8_t base = ORIGINAL(cpu_ldub_code_x86_64)(cpu, ++at) & 7;
        rm = mod == 0 && base == 5 ? 5 : 4;
    }
    return (unsigned)(at + 1 - start) + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

void unicorn_settle(struct cpu *cpu)
{
    struct machine *machine = machine_of_state((struct cpu_state *)cpu);
    if (machine != NULL)
        machine_settle(machine, true);
}

_Noreturn void unicorn_skip(struct cpu *cpu, uintptr_t caller)
{
    void *state = (char *)cpu - BEFORE_CPU;
    ORIGINAL(cpu_restore_state_x86_64)(state, caller, true);
    bool is64 = cpu->hflags >> 15 & 1, is32 = cpu->hflags >> 4 & 1;
    uint64_t base = is64 ? 0 : cpu->segments[1].base;
    unicorn_settle(cpu);
    cpu->rip += instruction_size(cpu, base + cpu->rip, is64, is32);
    ORIGINAL(cpu_loop_exit_noexc_x86_64)(state);
    __builtin_unreachable();
}

void x87_begin(struct cpu *cpu, uintptr_t caller)
{
    cpu->operand.unused[0] = 0;
    if (!x87_pending(cpu))
        return;
    if (cpu->control_registers[0] & CR0_NE)
        unicorn_raise(cpu, VECTOR_X87, caller);
    struct machine *machine = machine_of_state((struct cpu_state *)cpu);
    if (machine != NULL)
        machine_note(machine, DEVIATION_FERR, caller);
}

static bool is_masked(struct cpu *cpu, unsigned flags)
{
    bool all = !(flags & ~cpu->control);
    if (!all)
        cpu->operand.unused[0] |= MARK_SKIP_POP;
    return all;
}

bool x87_accepts(struct cpu *cpu, unsigned flags)
{
    x87_flag(cpu, flags, false);
    return is_masked(cpu, flags);
}

bool x87_accepts_stack_fault(struct cpu *cpu, bool is_overflow)
{
    x87_flag(cpu, FLAG_INVALID | STATUS_STACK_FAULT, is_overflow);
    return is_masked(cpu, FLAG_INVALID);
}

bool x87_has(struct cpu *cpu, bool is_empty, unsigned target)
{
    if (is_empty && x87_accepts_stack_fault(cpu, false))
        x87_set(cpu, target, number_to80(number_indefinite()));
    return !is_empty;
}

void x87_set(struct cpu *cpu, unsigned st, struct extended value)
{
    unsigned index = x87_index(cpu, st);
    cpu->x87[index].digits = value.digits;
    cpu->x87[index].exponent = value.exponent;
    cpu->is_empty[index] = 0;
}

void x87_push(struct cpu *cpu, struct extended value)
{
    if (!x87_is_empty(cpu, 7)) {
        if (!x87_accepts_stack_fault(cpu, true))
            return;
        value = number_to80(number_indefinite());
    }
    x87_push_unchecked(cpu, value);
}

void x87_push_unchecked(struct cpu *cpu, struct extended value)
{
    cpu->top = x87_index(cpu, 7);
    x87_set(cpu, 0, value);
}

void x87_pop(struct cpu *cpu)
{
    cpu->is_empty[cpu->top] = 1;
    cpu->top = x87_index(cpu, 1);
}

void x87_round_to(struct cpu *cpu, unsigned target, struct number n, bool whole)
{
    static const uint8_t precisions[] = {24, 64, 53, 64};
    const struct rounding how = {
        .precision = whole ? 64 : precisions[cpu->control >> 8 & 3],
        .mode = (uint8_t)x87_mode(cpu),
        .masked = cpu->control & FLAGS_ALL,
        .lowest = -16382,
        .highest = 16383,
        .bias = 24576,
    };
    unsigned flags = 0;
    bool up;
    struct extended value = number_to80(number_round(n, &how, &flags, &up));
    x87_flag(cpu, flags, up);
    x87_set(cpu, target, value);
}

bool x87_nan_result(struct number a, struct number b, struct number *result, unsigned *flags)
{
    bool nan_a = number_is_nan(a), nan_b = number_is_nan(b);
    if (a.kind == NUMBER_UNSUPPORTED || b.kind == NUMBER_UNSUPPORTED) {
        *flags |= FLAG_INVALID;
        *result = number_indefinite();
        return true;
    }
    if (!nan_a && !nan_b)
        return false;
    bool signaling_a = a.kind == NUMBER_SIGNALING, signaling_b = b.kind == NUMBER_SIGNALING;
    *flags |= signaling_a || signaling_b ? FLAG_INVALID : 0;
    bool take_a = nan_a;
    if (nan_a && nan_b) { /* the quiet one, else the larger, else the positive one */
        if (signaling_a != signaling_b)
            take_a = signaling_b;
        else
            take_a = a.digits == b.digits ? !a.negative : a.digits > b.digits;
    }
    *result = number_quieted(take_a ? a : b);
    return true;
}
