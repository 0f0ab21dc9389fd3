/* Model-specific registers of time and of the local APIC, and CR8, which is the APIC's. */
#include "machine.h"
#include "native.h"

REPLACES(rdmsr, void, (struct cpu_state * state));
REPLACES(wrmsr, void, (struct cpu_state * state));
REPLACES(read_crN, uint64_t, (struct cpu_state * state, int number));
REPLACES(write_crN, void, (struct cpu_state * state, int number, uint64_t value));
REPLACES_SYMBOL(cpu_get_tsc_x86_64, uint64_t, (struct cpu_state * state));
UNICORNS(raise_exception_err_ra_x86_64, void, (struct cpu_state * state, int vector, int error, uintptr_t place));

enum {
    MSR_COUNTER = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_COUNTER_ADJUST = 0x3b,
    MSR_DEADLINE = 0x6e0,
    MSR_APIC_FIRST = 0x800,
    MSR_APIC_LAST = 0x8ff,
    CR8 = 8,
    CR8_MAX = 15,
    VECTOR_PROTECTION = 13,
};

static _Noreturn void refuse(struct cpu_state *state, uintptr_t place)
{
    ORIGINAL(raise_exception_err_ra_x86_64)(state, VECTOR_PROTECTION, 0, place);
    __builtin_unreachable();
}

static bool is_of_apic(uint32_t msr)
{
    return msr == MSR_APIC_BASE || msr == MSR_DEADLINE || (msr >= MSR_APIC_FIRST && msr <= MSR_APIC_LAST);
}

/* A nanosecond of the guest's time is a count. */
EXPORT uint64_t cpu_get_tsc_x86_64(struct cpu_state *state)
{
    struct machine *machine = machine_of_state(state);
    return machine != NULL ? machine_time(machine) + machine->counter_adjust : ORIGINAL(cpu_get_tsc_x86_64)(state);
}

EXPORT void helper_rdmsr_x86_64(struct cpu_state *state)
{
    struct machine *machine = machine_of_state(state);
    uint32_t msr = (uint32_t)state->registers[RCX], fault = 0;
    uint64_t value;
    if (machine != NULL && msr == MSR_COUNTER) {
        value = cpu_get_tsc_x86_64(state);
    } else if (machine != NULL && msr == MSR_COUNTER_ADJUST) {
        value = machine->counter_adjust;
    } else if (machine != NULL && machine->read_register != NULL && is_of_apic(msr)) {
        value = machine->read_register(msr, cpu_get_tsc_x86_64(state), &fault);
    } else {
        ORIGINAL(rdmsr)(state);
        return;
    }
    if (fault)
        refuse(state, (uintptr_t)__builtin_return_address(0));
    state->registers[RAX] = (uint32_t)value;
    state->registers[RDX] = value >> 32;
}

EXPORT void helper_wrmsr_x86_64(struct cpu_state *state)
{
    struct machine *machine = machine_of_state(state);
    uint32_t msr = (uint32_t)state->registers[RCX];
    uint64_t value = (uint32_t)state->registers[RAX] | state->registers[RDX] << 32;
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    if (machine != NULL && msr == MSR_COUNTER) {
        machine->counter_adjust += value - cpu_get_tsc_x86_64(state);
    } else if (machine != NULL && msr == MSR_COUNTER_ADJUST) {
        machine->counter_adjust = value;
    } else if (machine != NULL && machine->write_register != NULL && is_of_apic(msr)) {
        machine_run_alone(machine, place);
        if (machine->write_register(msr, value, cpu_get_tsc_x86_64(state)))
            refuse(state, place);
    } else {
        ORIGINAL(wrmsr)(state);
    }
}

EXPORT uint64_t helper_read_crN_x86_64(struct cpu_state *state, int number)
{
    struct machine *machine = machine_of_state(state);
    uint32_t fault = 0;
    if (machine == NULL || number != CR8 || machine->read_register == NULL)
        return ORIGINAL(read_crN)(state, number);
    return machine->read_register(REGISTER_CR8, 0, &fault);
}

EXPORT void helper_write_crN_x86_64(struct cpu_state *state, int number, uint64_t value)
{
    struct machine *machine = machine_of_state(state);
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    if (machine == NULL || number != CR8 || machine->write_register == NULL) {
        ORIGINAL(write_crN)(state, number, value);
        return;
    }
    machine_run_alone(machine, place);
    if (value > CR8_MAX)
        refuse(state, place);
    machine->write_register(REGISTER_CR8, value, 0);
}
