/* IN and OUT: privilege, which Unicorn does not check, and a block of their own: what a device does may end the run
 * behind them. */
#include "native.h"
#include "machine.h"

REPLACES(outb, void, (struct cpu_state * state, uint32_t port, uint32_t value));
REPLACES(outw, void, (struct cpu_state * state, uint32_t port, uint32_t value));
REPLACES(outl, void, (struct cpu_state * state, uint32_t port, uint32_t value));
REPLACES(inb, uint64_t, (struct cpu_state * state, uint32_t port));
REPLACES(inw, uint64_t, (struct cpu_state * state, uint32_t port));
REPLACES(inl, uint64_t, (struct cpu_state * state, uint32_t port));
UNICORNS(raise_exception_err_ra_x86_64, void, (struct cpu_state * state, int vector, int error, uintptr_t place));

enum { VECTOR_PROTECTION = 13, LINE_STATUS = 5, LINE_IDLE = 0x60 };

/* The machine, if there is one. Does not return where user mode may not use ports. */
static struct machine *allow(struct cpu_state *state, uintptr_t place)
{
    struct machine *machine = machine_of_state(state);
    if (machine != NULL && (state->hflags & HFLAG_PRIVILEGE) > (state->eflags >> FLAG_IOPL_SHIFT & 3))
        ORIGINAL(raise_exception_err_ra_x86_64)(state, VECTOR_PROTECTION, 0, place);
    return machine;
}

/* Does not return either where the instruction does not run alone yet. */
static void begin(struct cpu_state *state, uintptr_t place)
{
    struct machine *machine = allow(state, place);
    if (machine != NULL)
        machine_run_alone(machine, place);
}

/* A port of the line that sends, where nothing else looks. */
static bool is_line(const struct machine *machine, uint32_t port, uint32_t offset)
{
    return machine->line_port != 0 && port == machine->line_port + offset &&
        !(machine->state->hflags & HFLAG_PORT_BREAKPOINT);
}

/* Whether a byte to the serial line waits for the end of its line. */
static bool keep(struct machine *machine, uint32_t port, uint32_t value)
{
    if (!is_line(machine, port, 0) || (uint8_t)value == '\n' ||
        machine->line_size == sizeof machine->line)
        return false;
    machine->line[machine->line_size++] = (uint8_t)value;
    return true;
}

EXPORT void helper_outb_x86_64(struct cpu_state *state, uint32_t port, uint32_t value)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    struct machine *machine = allow(state, place);
    if (machine != NULL && keep(machine, port, value))
        return;
    if (machine != NULL)
        machine_run_alone(machine, place);
    ORIGINAL(outb)(state, port, value);
}

EXPORT void helper_outw_x86_64(struct cpu_state *state, uint32_t port, uint32_t value)
{
    begin(state, (uintptr_t)__builtin_return_address(0));
    ORIGINAL(outw)(state, port, value);
}

EXPORT void helper_outl_x86_64(struct cpu_state *state, uint32_t port, uint32_t value)
{
    begin(state, (uintptr_t)__builtin_return_address(0));
    ORIGINAL(outl)(state, port, value);
}

EXPORT uint64_t helper_inb_x86_64(struct cpu_state *state, uint32_t port)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    struct machine *machine = allow(state, place);
    if (machine != NULL && is_line(machine, port, LINE_STATUS))
        return LINE_IDLE;
    if (machine != NULL)
        machine_run_alone(machine, place);
    return ORIGINAL(inb)(state, port);
}

EXPORT uint64_t helper_inw_x86_64(struct cpu_state *state, uint32_t port)
{
    begin(state, (uintptr_t)__builtin_return_address(0));
    return ORIGINAL(inw)(state, port);
}

EXPORT uint64_t helper_inl_x86_64(struct cpu_state *state, uint32_t port)
{
    begin(state, (uintptr_t)__builtin_return_address(0));
    return ORIGINAL(inl)(state, port);
}
