/* The `syscall` instruction (Intel volume 2B), which Unicorn leaves to hooks. */
#include "native.h"
#include "machine.h"

REPLACES(syscall, void, (struct cpu_state * state, int length));
UNICORNS(raise_exception_err_ra_x86_64, void, (struct cpu_state * state, int vector, int error, uintptr_t place));

enum { EFER_SYSTEM_CALLS = 1, VECTOR_INVALID = 6, CODE64 = 0x00a09b00, DATA = 0x00c09300 };

static void load_flat(struct segment *segment, uint32_t selector, uint32_t flags)
{
    *segment = (struct segment){.selector = selector, .limit = 0xffffffff, .flags = flags};
}

EXPORT void helper_syscall_x86_64(struct cpu_state *state, int length)
{
    struct machine *machine = machine_of_state(state);
    if (machine == NULL)
        __attribute__((musttail)) return ORIGINAL(syscall)(state, length);
    if (!(state->efer & EFER_SYSTEM_CALLS) || !(state->hflags & HFLAG_CS64))
        ORIGINAL(raise_exception_err_ra_x86_64)(state, VECTOR_INVALID, 0, (uintptr_t)__builtin_return_address(0));
    machine->system_calls++;
    uint64_t flags = machine_flags(machine) & ~(uint64_t)FLAG_RESUME;
    uint32_t selector = state->star >> 32 & 0xffff;
    state->registers[RCX] = state->rip + (uint64_t)length;
    state->registers[R11] = flags;
    load_flat(&state->segments[CS], selector & 0xfffc, CODE64);
    load_flat(&state->segments[SS], (selector + 8) & 0xfffc, DATA);
    state->hflags &= ~(uint32_t)HFLAG_PRIVILEGE;
    machine_set_flags(machine, flags & ~state->fmask);
    state->rip = state->lstar;
}
