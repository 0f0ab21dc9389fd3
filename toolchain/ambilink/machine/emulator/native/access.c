/* Accesses to devices, and to addresses with nothing behind them. Unicorn looks behind each access whether it shall stop;
 * a machine does not (count.c), so what stops a run leaves the block here. */
#include "native.h"
#include "machine.h"

void cpu_loop_exit_x86_64(void *cpu); /* count.c */
enum { VECTOR_PAGE_FAULT = 14, INSTRUCTION_FETCH = 2 };

REPLACES_SYMBOL(x86_cpu_tlb_fill_x86_64, bool,
    (void *cpu, uint64_t address, int size, int kind, int mmu, bool is_probe, uintptr_t place));
REPLACES_SYMBOL(cpu_exit, void, (void *cpu));
REPLACES_SYMBOL(cpu_io_recompile_x86_64, void, (void *cpu, uintptr_t place));
REPLACES_SYMBOL(raise_exception_err_ra_x86_64, void, (struct cpu_state * state, int vector, int error, uintptr_t place));
UNICORNS(cpu_loop_exit_restore_x86_64, void, (void *cpu, uintptr_t place));
UNICORNS(cpu_restore_state_x86_64, bool, (void *cpu, uintptr_t place, bool will_exit));

EXPORT bool x86_cpu_tlb_fill_x86_64(void *cpu, uint64_t address, int size, int kind, int mmu, bool is_probe,
    uintptr_t place)
{
    struct machine *machine = machine_of_cpu(cpu);
    if (machine != NULL) {
        machine->access = place;
        machine->fault_address = machine->state->control[2];
    }
    return ORIGINAL(x86_cpu_tlb_fill_x86_64)(cpu, address, size, kind, mmu, is_probe, place);
}

/* How many instructions the block has that is being translated. */
static int32_t instructions_so_far(const struct machine *machine)
{
    int32_t count = 0;
    const struct operation *each = pointer_at(machine->translator, TRANSLATOR_FIRST);
    for (; each != NULL; each = each->next)
        count += each->code == OPERATION_INSTRUCTION_STARTS;
    return count;
}

/* What is translated is fetched by these. */
#define FETCHES(name, type) \
    REPLACES_SYMBOL(cpu_##name##_code_x86_64, type, (struct cpu_state * state, uint64_t address)); \
    EXPORT type cpu_##name##_code_x86_64(struct cpu_state *state, uint64_t address) \
    { \
        struct machine *machine = machine_of_state(state); \
        if (machine != NULL) \
            machine->is_translating = 1; \
        type value = ORIGINAL(cpu_##name##_code_x86_64)(state, address); \
        if (machine != NULL) \
            machine->is_translating = 0; \
        return value; \
    }
FETCHES(lduw, uint32_t)
FETCHES(ldl, uint32_t)
FETCHES(ldq, uint64_t)

/* A block may run into a page that cannot be executed. The fault is its last instruction's: those before are executed
 * first, in a block of their own. */
EXPORT void raise_exception_err_ra_x86_64(struct cpu_state *state, int vector, int error, uintptr_t place)
{
    struct machine *machine = machine_of_state(state);
    if (machine != NULL && vector == VECTOR_PAGE_FAULT && place == 0 && machine->is_translating) {
        int32_t count = instructions_so_far(machine);
        machine->is_translating = 0;
        if (count > 1) {
            state->control[2] = machine->fault_address;
            *int_at(machine->cpu, CPU_EXCEPTION) = NO_EXCEPTION;
            *int_at(machine->cpu, CPU_NEXT_BLOCK) = count - 1;
            cpu_loop_exit_x86_64(machine->cpu);
        }
    }
    ORIGINAL(raise_exception_err_ra_x86_64)(state, vector, error, place);
}

/* Unicorn asks itself to stop, for an address with nothing behind it among other reasons. */
EXPORT void cpu_exit(void *cpu)
{
    ORIGINAL(cpu_exit)(cpu);
    void *engine = pointer_at(cpu, CPU_ENGINE);
    struct machine *machine = machine_of(engine);
    if (machine != NULL && machine->block != 0 && *int_at(engine, ENGINE_INVALID_ERROR) != 0) {
        ORIGINAL(cpu_restore_state_x86_64)(cpu, machine->access, true);
        machine_settle(machine, true);
        ORIGINAL(cpu_loop_exit_restore_x86_64)(cpu, 0);
    }
}

EXPORT void machine_find_place(struct machine *machine);

/* Instructions that access devices run alone, and RIP is right. In a longer block it is the processor that accesses one:
 * page tables lie there. */
EXPORT void machine_find_place(struct machine *machine)
{
    if (machine->block > 1)
        ORIGINAL(cpu_restore_state_x86_64)(machine->cpu, machine->access, true);
}

/* Called for an access to a device in a block of more than one instruction: see machine's can_access_devices. */
EXPORT void cpu_io_recompile_x86_64(void *cpu, uintptr_t place)
{
    struct machine *machine = machine_of_cpu(cpu);
    if (machine != NULL)
        machine_run_alone(machine, place);
    else
        ORIGINAL(cpu_io_recompile_x86_64)(cpu, place);
}
