/* Counting, exact to the instruction.
 *
 * Unicorn calls helper_check_exit_request(engine, 0) at the start of each block, to see whether it shall stop. In a
 * machine's blocks the arguments are others: the machine, and how many instructions the block has. */
#include "debug.h"
#include "machine.h"
#include "native.h"

REPLACES(check_exit_request, void, (void *engine, uint32_t count));
REPLACES_SYMBOL(check_exit_request_x86_64, void, (void *translator));
REPLACES_SYMBOL(tcg_gen_code_x86_64, int, (void *translator, struct block *block));
REPLACES_SYMBOL(cpu_loop_exit_x86_64, void, (void *cpu));
UNICORNS(cpu_loop_exit_restore_x86_64, void, (void *cpu, uintptr_t place));
UNICORNS(tcg_tb_lookup_x86_64, struct block *, (void *translator, uintptr_t place));
UNICORNS(cpu_restore_state_x86_64, bool, (void *cpu, uintptr_t place, bool will_exit));
UNICORNS(uc_emu_stop, int, (void *engine));

/* Translation. */

/* The arguments of the call at the block's start: both are constants. */
static bool count_block(struct machine *machine, const struct block *block)
{
    struct operation *first = pointer_at(machine->translator, TRANSLATOR_FIRST);
    for (; first != NULL && first->next != NULL; first = first->next) {
        struct operation *second = first->next, *third = second->next;
        if (first->arguments[1] == (uint64_t)machine->engine && second->code == OPERATION_MOVE_CONSTANT_32 &&
            second->arguments[1] == 0 && third != NULL && third->code == OPERATION_CALL) {
            first->arguments[1] = (uint64_t)machine;
            second->arguments[1] = block->instructions;
            return true;
        }
    }
    return false;
}

EXPORT int tcg_gen_code_x86_64(void *translator, struct block *block)
{
    struct machine *machine = machine_of(pointer_at(translator, TRANSLATOR_ENGINE));
    if (machine != NULL && !count_block(machine, block))
        machine->ignored++;
    return ORIGINAL(tcg_gen_code_x86_64)(translator, block);
}

/* What is emitted behind each access to memory and each code hook. Behind accesses it is left out: whatever ends a
 * machine's run there leaves the block by itself. Behind a hook, which is a call, Unicorn's own stays. */
EXPORT void check_exit_request_x86_64(void *translator)
{
    char *links = pointer_at(translator, TRANSLATOR_LAST);
    const struct operation *last = (struct operation *)(links - offsetof(struct operation, next));
    if (last->code == OPERATION_CALL || machine_of(pointer_at(translator, TRANSLATOR_ENGINE)) == NULL)
        ORIGINAL(check_exit_request_x86_64)(translator);
}

/* The table behind a block's code has for each instruction three differences from the one before: of its address, of
 * something else, and of where its code ends. */

static int64_t read_difference(const uint8_t **at)
{
    int64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        value |= (int64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return shift < 64 && byte & 0x40 ? value | -((int64_t)1 << shift) : value;
}

/* The index of the instruction at RIP in the running block; the block's instructions: it is behind them. */
static uint32_t index_in_block(const struct machine *machine)
{
    const struct block *block = ORIGINAL(tcg_tb_lookup_x86_64)(machine->translator, machine->place);
    if (block == NULL)
        return machine->block;
    const uint8_t *at = block->code + block->code_size;
    uint64_t address = block->pc - block->cs_base;
    for (uint32_t i = 0; i < block->instructions; i++) {
        address += (uint64_t)read_difference(&at);
        if (address == machine->state->rip)
            return i;
        read_difference(&at);
        read_difference(&at);
    }
    return machine->block;
}

uint64_t machine_executed(const struct machine *machine)
{
    if (machine->block == 0)
        return machine->count;
    uint32_t index = index_in_block(machine);
    return machine->count - machine->block + (index < machine->block ? index + 1 : machine->block);
}

uint64_t machine_time(const struct machine *machine)
{
    return machine->start_time + machine_executed(machine);
}

void machine_settle(struct machine *machine, bool is_begun)
{
    if (machine->block == 0)
        return;
    uint32_t index = index_in_block(machine);
    machine->count -= machine->block;
    machine->count += index < machine->block ? index + is_begun : machine->block;
    machine->block = 0;
}

/* Leaving a block. */

void machine_run_alone(struct machine *machine, uintptr_t place)
{
    if (machine->block <= 1)
        return;
    ORIGINAL(cpu_restore_state_x86_64)(machine->cpu, place, true);
    machine_settle(machine, false);
    *int_at(machine->cpu, CPU_NEXT_BLOCK) = 1;
    machine->begins_again = 1;
    ORIGINAL(cpu_loop_exit_x86_64)(machine->cpu);
}

/* A fault's instruction was begun. Other reasons come before an instruction: so does an instruction that writes over its
 * own block, which Unicorn begins again in a block of its own (cpu_loop_exit_noexc). */
EXPORT void cpu_loop_exit_x86_64(void *cpu)
{
    struct machine *machine = machine_of_cpu(cpu);
    if (machine != NULL) {
        int32_t exception = *int_at(cpu, CPU_EXCEPTION);
        machine_settle(machine, exception >= 0 && exception < EXCEPTIONS);
        debug_leave(machine, exception);
        machine->is_halted = exception == HALT;
    }
    ORIGINAL(cpu_loop_exit_x86_64)(cpu);
}

/* Running. */

void machine_set_bound(struct machine *machine)
{
    machine->bound = machine->pause || machine->interrupts || machine->debug_hits ? 0 : machine->limit;
}

/* Whether the run ends before the next block. */
static bool is_over(const struct machine *machine)
{
    return *machine->exit < 0 || machine->pause || machine->count >= machine->limit ||
        (machine->interrupts && machine_accepts_interrupt(machine));
}

/* Before a block of so many instructions that may not be entered, or not whole. */
static __attribute__((noinline)) void look_at_block(struct machine *machine, uint32_t instructions, uintptr_t place)
{
    machine->count -= instructions;
    machine->block = 0;
    debug_trap(machine, place);
    if (is_over(machine)) {
        ORIGINAL(uc_emu_stop)(machine->engine);
    } else if (machine->count + instructions > machine->limit) {
        /* A shorter block, which Unicorn translates and keeps beside the whole one. */
        *int_at(machine->cpu, CPU_NEXT_BLOCK) = (int32_t)(machine->limit - machine->count);
    } else {
        machine->count += instructions;
        machine->block = instructions;
        return;
    }
    *int_at(machine->cpu, CPU_EXIT_REQUESTED) = 0;
    ORIGINAL(cpu_loop_exit_restore_x86_64)(machine->cpu, place);
}

/* `engine` is a machine where `count` is not 0. */
EXPORT void helper_check_exit_request_x86_64(void *engine, uint32_t count)
{
    if (count == 0)
        __attribute__((musttail)) return ORIGINAL(check_exit_request)(engine, count);
    struct machine *machine = engine;
    machine->count += count;
    machine->block = count;
    machine->place = (uintptr_t)__builtin_return_address(0);
    *machine->can_access_devices = count == 1;
    if (__builtin_expect(machine->count > machine->bound || *machine->exit < 0, 0))
        look_at_block(machine, count, machine->place);
}

/* From Python. */

EXPORT void machine_begin(struct machine *machine, uint64_t limit, bool until_interrupts);
EXPORT void machine_pause(struct machine *machine);
EXPORT uint64_t machine_now(const struct machine *machine);
EXPORT uint64_t machine_end(struct machine *machine);

/* A run of at most so many instructions, or until the CPU lets interrupts in. */
EXPORT void machine_begin(struct machine *machine, uint64_t limit, bool until_interrupts)
{
    machine->count = machine->block = machine->pause = machine->is_halted = 0;
    machine->limit = limit;
    machine->interrupts = until_interrupts;
    machine_set_bound(machine);
}

EXPORT void machine_pause(struct machine *machine)
{
    machine->pause = 1;
    machine_set_bound(machine);
}

EXPORT uint64_t machine_now(const struct machine *machine)
{
    return machine_time(machine);
}

/* How many were executed. */
EXPORT uint64_t machine_end(struct machine *machine)
{
    machine->block = 0;
    return machine->count;
}
