#include "machine.h"

#include <stdatomic.h>

#include "native.h"

UNICORNS(helper_read_eflags_x86_64, uint64_t, (struct cpu_state * state));
UNICORNS(cpu_restore_state_x86_64, bool, (void *cpu, uintptr_t place, bool will_exit));

enum { MACHINES = 1024, CC_OPERATION_FLAGS = 1 };

/* By a hash of the engine's address. Several threads may each run a machine, and attach others meanwhile. */
static _Atomic(struct machine *) machines[MACHINES];
static struct machine removed;

static size_t slot_of(const void *engine)
{
    return (size_t)((uintptr_t)engine * 0x9e3779b97f4a7c15 >> 54);
}

struct machine *machine_of(const void *engine)
{
    for (size_t i = 0, slot = slot_of(engine); i < MACHINES; i++, slot = (slot + 1) % MACHINES) {
        struct machine *machine = machines[slot];
        if (machine == NULL || machine->engine == engine)
            return machine;
    }
    return NULL;
}

struct machine *machine_of_cpu(const void *cpu)
{
    return machine_of(pointer_at(cpu, CPU_ENGINE));
}

struct machine *machine_of_state(const struct cpu_state *state)
{
    return machine_of(pointer_at(state, STATE_ENGINE));
}

static bool is_as_known(void *engine)
{
    void *cpu = pointer_at(engine, ENGINE_CPU), *translator = pointer_at(engine, ENGINE_TRANSLATOR);
    if (cpu == NULL || translator == NULL)
        return false;
    void *state = (char *)cpu + CPU_STATE;
    return pointer_at(cpu, CPU_ENGINE) == engine && pointer_at(cpu, CPU_STATE_POINTER) == state &&
        pointer_at(state, STATE_ENGINE) == engine && pointer_at(translator, TRANSLATOR_ENGINE) == engine &&
        *int_at(cpu, CPU_NEXT_BLOCK) == -1;
}

EXPORT size_t machine_size(void);
EXPORT bool machine_attach(struct machine *machine, void *engine);
EXPORT void machine_detach(struct machine *machine);

EXPORT size_t machine_size(void)
{
    return sizeof(struct machine);
}

/* False: there is no room, or the engine is laid out otherwise. It must have been initialised. */
EXPORT bool machine_attach(struct machine *machine, void *engine)
{
    if (!is_as_known(engine))
        return false;
    machine->engine = engine;
    machine->cpu = pointer_at(engine, ENGINE_CPU);
    machine->translator = pointer_at(engine, ENGINE_TRANSLATOR);
    machine->state = pointer_at(machine->cpu, CPU_STATE_POINTER);
    machine->exit = int_at(machine->cpu, CPU_EXIT);
    machine->can_access_devices = int_at(machine->cpu, CPU_CAN_ACCESS_DEVICES);
    for (size_t i = 0, slot = slot_of(engine); i < MACHINES; i++, slot = (slot + 1) % MACHINES) {
        struct machine *there = machines[slot];
        if ((there == NULL || there == &removed) && atomic_compare_exchange_strong(&machines[slot], &there, machine))
            return true;
    }
    return false;
}

EXPORT void machine_detach(struct machine *machine)
{
    for (size_t i = 0; i < MACHINES; i++)
        if (machines[i] == machine)
            machines[i] = &removed;
}

bool machine_accepts_interrupt(const struct machine *machine)
{
    return (machine->state->eflags & FLAG_INTERRUPT) && !(machine->state->hflags & HFLAG_INHIBIT_INTERRUPT);
}

uint64_t machine_flags(struct machine *machine)
{
    return ORIGINAL(helper_read_eflags_x86_64)(machine->state);
}

void machine_set_flags(struct machine *machine, uint64_t flags)
{
    struct cpu_state *state = machine->state;
    state->eflags = (flags & ~(uint64_t)(FLAGS_ARITHMETIC | FLAG_DIRECTION)) | FLAG_RESERVED;
    state->cc_source = flags & FLAGS_ARITHMETIC;
    state->cc_operation = CC_OPERATION_FLAGS;
    state->direction = flags & FLAG_DIRECTION ? -1 : 1;
}

void machine_note(struct machine *machine, enum deviation deviation, uintptr_t place)
{
    if (machine->deviated >> deviation & 1)
        return;
    machine->deviated |= 1u << deviation;
    ORIGINAL(cpu_restore_state_x86_64)(machine->cpu, place, false);
    machine->deviations[deviation].rip = machine->state->rip;
    machine->deviations[deviation].page_table = machine->state->control[3];
}
