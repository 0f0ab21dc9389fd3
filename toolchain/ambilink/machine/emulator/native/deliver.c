/* Exceptions and interrupts in 64-bit mode (Intel volume 3A, 6.14), where all is as it should be: 64-bit code, a gate
 * that is present and lets it pass, a stack that is mapped. All else is left to Python, before anything was changed. */
#include "native.h"
#include "machine.h"

enum {
    GATE_PRESENT = 1 << 15,
    GATE_TRAP = 1 << 8,
    VECTOR_BREAKPOINT = 3,
    VECTOR_PAGE_FAULT = 14,
    CODE64 = 0x00a09b00,
    DATA = 0x00c09300,
    TSS_STACKS = 4,
    TSS_INTERRUPT_STACKS = 36,
    FRAME_WORDS = 6,
    PAGE_SIZE = 4096,
};
static const uint32_t WITH_ERROR_CODE = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21;

/* False: it lies on two pages, or not in memory. */
static bool read_words(const struct machine *machine, uint64_t address, uint64_t *words, size_t count)
{
    const uint8_t *bytes = machine_memory(machine, address, false);
    if (bytes == NULL || PAGE_SIZE - address % PAGE_SIZE < 8 * count)
        return false;
    __builtin_memcpy(words, bytes, 8 * count);
    return true;
}

/* The stack on which the handler begins. False: Python reports what is wrong with it. */
static bool find_stack(const struct machine *machine, unsigned index, uint64_t *stack)
{
    const struct cpu_state *state = machine->state;
    *stack = state->registers[RSP];
    if (index != 0)
        return read_words(machine, state->tr.base + TSS_INTERRUPT_STACKS + (index - 1) * 8, stack, 1);
    return !(state->hflags & HFLAG_PRIVILEGE) || read_words(machine, state->tr.base + TSS_STACKS, stack, 1);
}

static bool deliver(struct machine *machine, uint32_t vector, int32_t error, bool is_software)
{
    struct cpu_state *state = machine->state;
    uint32_t privilege = state->hflags & HFLAG_PRIVILEGE;
    uint64_t gate[2], stack;
    if (!(state->hflags & HFLAG_CS64) || vector * 16 + 15 > state->idt.limit ||
        !read_words(machine, state->idt.base + vector * 16, gate, 2))
        return false;
    uint32_t kind = (uint32_t)(gate[0] >> 32);
    if (!(kind & GATE_PRESENT) || (kind >> 9 & 15) != 7 || (is_software && (kind >> 13 & 3) < privilege) ||
        !find_stack(machine, kind & 7, &stack))
        return false;
    bool has_error = vector < 32 && WITH_ERROR_CODE >> vector & 1 && !is_software;
    uint64_t flags = machine_flags(machine) | (state->eflags & FLAG_RESUME);
    uint64_t frame[FRAME_WORDS] = {(uint64_t)error & 0xffff, state->rip, state->segments[CS].selector, flags,
        state->registers[RSP], state->segments[SS].selector};
    size_t first = has_error ? 0 : 1, size = (FRAME_WORDS - first) * 8;
    stack = (stack & ~(uint64_t)15) - size;
    uint8_t *bytes = machine_memory(machine, stack, true);
    if (bytes == NULL || PAGE_SIZE - stack % PAGE_SIZE < size)
        return false;
    __builtin_memcpy(bytes, frame + first, size);
    if (privilege)
        state->segments[SS] = (struct segment){.limit = 0xffffffff, .flags = DATA};
    state->segments[CS] =
        (struct segment){.selector = gate[0] >> 16 & 0xfffc, .limit = 0xffffffff, .flags = CODE64};
    state->hflags &= ~(uint32_t)HFLAG_PRIVILEGE;
    state->registers[RSP] = stack;
    state->rip = (gate[0] & 0xffff) | (gate[0] >> 32 & 0xffff0000) | gate[1] << 32;
    state->old_exception = -1; /* Unicorn never clears it, and would make the next page fault a double fault */
    machine_set_flags(machine, flags & ~(uint64_t)(FLAGS_CLEARED_BY_GATE | (kind & GATE_TRAP ? 0 : FLAG_INTERRUPT)));
    return true;
}

EXPORT void machine_on_exception(void *engine, uint32_t vector, struct machine *machine);
EXPORT bool machine_interrupt(struct machine *machine, uint32_t vector);

/* Unicorn's hook for exceptions, and for int instructions, behind which RIP is already. */
EXPORT void machine_on_exception(void *engine, uint32_t vector, struct machine *machine)
{
    if (deliver(machine, vector, machine->state->error_code, machine->state->is_software))
        machine->exceptions++;
    else
        machine->deliver(engine, vector);
}

EXPORT bool machine_interrupt(struct machine *machine, uint32_t vector)
{
    if (!deliver(machine, vector, 0, false))
        return false;
    machine->deliveries++;
    /* Unicorn begins a run with the arithmetic flags that lie with the others. */
    machine->state->eflags = machine_flags(machine);
    return true;
}
