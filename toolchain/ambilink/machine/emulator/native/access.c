/* Accesses to devices, and to addresses with nothing behind them. Unicorn looks behind each access whether it shall stop;
 * a machine does not (count.c), so what stops a run leaves the block here. */
#include "native.h"
#include "machine.h"

REPLACES_SYMBOL(x86_cpu_tlb_fill_x86_64, bool,
    (void *cpu, uint64_t address, int size, int kind, int mmu, bool is_probe, uintptr_t place));
REPLACES_SYMBOL(cpu_exit, void, (void *cpu));
REPLACES_SYMBOL(cpu_io_recompile_x86_64, void, (void *cpu, uintptr_t place));
UNICORNS(cpu_loop_exit_restore_x86_64, void, (void *cpu, uintptr_t place));
UNICORNS(cpu_restore_state_x86_64, bool, (void *cpu, uintptr_t place, bool will_exit));

EXPORT bool x86_cpu_tlb_fill_x86_64(void *cpu, uint64_t address, int size, int kind, int mmu, bool is_probe,
    uintptr_t place)
{
    struct machine *machine = machine_of_cpu(cpu);
    if (machine != NULL)
        machine->access = place;
    return ORIGINAL(x86_cpu_tlb_fill_x86_64)(cpu, address, size, kind, mmu, is_probe, place);
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
