/* The debug registers (Intel volume 3B, 17.2 and 17.3). Unicorn has breakpoints of instructions, of ports, and single
 * steps; here are breakpoints of data, general detect, and what may be written to DR6 and DR7.
 *
 * Unicorn asks for each page that it enters into its TLB whether accesses to it must be looked at, and calls
 * cpu_check_watchpoint for each such access: other pages cost nothing. */
#include "debug.h"

#include "native.h"

REPLACES(set_dr, void, (struct cpu_state * state, int number, uint64_t value));
REPLACES(get_dr, uint64_t, (struct cpu_state * state, int number));
REPLACES_SYMBOL(cpu_watchpoint_address_matches_x86_64, int, (void *cpu, uint64_t address, uint64_t size));
REPLACES_SYMBOL(cpu_check_watchpoint_x86_64, void,
    (void *cpu, uint64_t address, uint64_t size, uint32_t attributes, int access, uintptr_t place));
UNICORNS(raise_exception_err_ra_x86_64, void, (struct cpu_state * state, int vector, int error, uintptr_t place));
UNICORNS(cpu_restore_state_x86_64, bool, (void *cpu, uintptr_t place, bool will_exit));
UNICORNS(tlb_flush_x86_64, void, (void *cpu));

enum { BREAKPOINTS = 4, STATUS = 6, CONTROL = 7, VECTOR_DEBUG = 1, VECTOR_INVALID = 6, VECTOR_PROTECTION = 13 };
enum { ACCESS_READ = 1, ACCESS_WRITE = 2 }; /* Unicorn's */
enum { ON_WRITE = 1, ON_ACCESS = 3 };       /* R/W of DR7 */
enum { CR4_DEBUG_EXTENSIONS = 8, ACCESS_MAX = 16 };

enum {
    STATUS_HITS = 0xf,
    STATUS_DETECTED = 1 << 13,
    STATUS_WRITABLE = 0xe00f,
    CONTROL_ENABLED = 0xff,
    CONTROL_DETECT = 1 << 13,
    CONTROL_ONE = 1 << 10,
};
static const uint64_t STATUS_ONES = 0xffff0ff0, CONTROL_WRITABLE = 0xffff23ff;

/* Which breakpoints of data such an access hits: their bits in DR6. */
static uint32_t hits_of(const struct cpu_state *state, uint64_t address, uint64_t size, bool is_write)
{
    uint32_t control = (uint32_t)state->debug[CONTROL], hits = 0;
    for (unsigned i = 0; i < BREAKPOINTS; i++) {
        unsigned kind = control >> (16 + 4 * i) & 3, length = control >> (18 + 4 * i) & 3;
        if (!(control >> 2 * i & 3) || !(kind == ON_ACCESS || (kind == ON_WRITE && is_write)))
            continue;
        uint64_t bytes = length == 2 ? 8 : length + 1, start = state->debug[i] & ~(bytes - 1);
        if (address - start < bytes || start - address < size)
            hits |= 1u << i;
    }
    return hits;
}

static bool watches_data(const struct cpu_state *state)
{
    uint64_t control = state->debug[CONTROL];
    for (unsigned i = 0; i < BREAKPOINTS; i++)
        if (control >> 2 * i & 3 && control >> (16 + 4 * i) & ON_WRITE)
            return true;
    return false;
}

static _Noreturn void raise(struct cpu_state *state, int vector, uintptr_t place)
{
    ORIGINAL(raise_exception_err_ra_x86_64)(state, vector, 0, place);
    __builtin_unreachable();
}

/* DR4 and DR5 are other names of DR6 and DR7, or there are none such. */
static int begin_access(struct cpu_state *state, int number, uintptr_t place)
{
    if (number == 4 || number == 5) {
        if (state->control[4] & CR4_DEBUG_EXTENSIONS)
            raise(state, VECTOR_INVALID, place);
        number += 2;
    }
    if (state->debug[CONTROL] & CONTROL_DETECT) {
        state->debug[STATUS] = (state->debug[STATUS] & ~(uint64_t)STATUS_HITS) | STATUS_DETECTED;
        raise(state, VECTOR_DEBUG, place);
    }
    return number;
}

EXPORT uint64_t helper_get_dr_x86_64(struct cpu_state *state, int number)
{
    if (machine_of_state(state) != NULL)
        number = begin_access(state, number, (uintptr_t)__builtin_return_address(0));
    return ORIGINAL(get_dr)(state, number);
}

EXPORT void helper_set_dr_x86_64(struct cpu_state *state, int number, uint64_t value)
{
    const struct machine *machine = machine_of_state(state);
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    if (machine == NULL) {
        ORIGINAL(set_dr)(state, number, value);
        return;
    }
    number = begin_access(state, number, place);
    if (!(state->hflags & HFLAG_CS64))
        value = (uint32_t)value;
    if (number >= STATUS && value >> 32)
        raise(state, VECTOR_PROTECTION, place);
    bool watched_before = watches_data(state);
    if (number == CONTROL)
        value = (value & CONTROL_WRITABLE) | CONTROL_ONE;
    if (number == STATUS)
        state->debug[STATUS] = (value & STATUS_WRITABLE) | STATUS_ONES;
    else
        ORIGINAL(set_dr)(state, number, value);
    if (watched_before || watches_data(state))
        ORIGINAL(tlb_flush_x86_64)(machine->cpu);
}

EXPORT int cpu_watchpoint_address_matches_x86_64(void *cpu, uint64_t address, uint64_t size)
{
    const struct machine *machine = machine_of_cpu(cpu);
    if (machine == NULL)
        return ORIGINAL(cpu_watchpoint_address_matches_x86_64)(cpu, address, size);
    return (hits_of(machine->state, address, size, true) ? ACCESS_WRITE : 0) |
        (hits_of(machine->state, address, size, false) ? ACCESS_READ : 0);
}

/* An unaligned access comes in parts, which together are more than the access: the whole was noted. Where it was not, for
 * what a helper stores, its bytes follow. */
EXPORT void cpu_check_watchpoint_x86_64(void *cpu, uint64_t address, uint64_t size, uint32_t attributes, int access,
    uintptr_t place)
{
    struct machine *machine = machine_of_cpu(cpu);
    if (machine == NULL) {
        ORIGINAL(cpu_check_watchpoint_x86_64)(cpu, address, size, attributes, access, place);
        return;
    }
    if (place != 0 && place == machine->noted_place) {
        address = machine->noted_address;
        size = machine->noted_size;
    }
    if (size > ACCESS_MAX)
        return;
    uint32_t hits = hits_of(machine->state, address, size, access & ACCESS_WRITE);
    if (hits == 0)
        return;
    machine_run_alone(machine, place);
    machine->debug_hits |= hits;
    machine_set_bound(machine);
}

/* Translated code's accesses, where they are not the TLB's alone. Unicorn's functions call each other for the parts of
 * one: that which came from translated code is noted, until it is done or the block is left. */

/* The machine, if the access is now noted; else NULL. */
static inline struct machine *note(struct cpu_state *state, uint64_t address, uint32_t size, uintptr_t place)
{
    struct machine *machine;
    if (!(state->debug[CONTROL] & CONTROL_ENABLED) || (machine = machine_of_state(state)) == NULL ||
        machine->noted_place == place)
        return NULL;
    machine->noted_address = address;
    machine->noted_size = size;
    machine->noted_place = place;
    return machine;
}

static inline void forget(struct machine *machine)
{
    if (machine != NULL)
        machine->noted_place = 0;
}

#define NOTES_LOAD(name, size) \
    REPLACES_SYMBOL(helper_##name##_mmu_x86_64, uint64_t, \
        (struct cpu_state * state, uint64_t address, uint32_t kind, uintptr_t place)); \
    EXPORT uint64_t helper_##name##_mmu_x86_64(struct cpu_state *state, uint64_t address, uint32_t kind, \
        uintptr_t place) \
    { \
        struct machine *noted = note(state, address, size, place); \
        uint64_t value = ORIGINAL(helper_##name##_mmu_x86_64)(state, address, kind, place); \
        forget(noted); \
        return value; \
    }
#define NOTES_STORE(name, type) \
    REPLACES_SYMBOL(helper_##name##_mmu_x86_64, void, \
        (struct cpu_state * state, uint64_t address, type value, uint32_t kind, uintptr_t place)); \
    EXPORT void helper_##name##_mmu_x86_64(struct cpu_state *state, uint64_t address, type value, uint32_t kind, \
        uintptr_t place) \
    { \
        struct machine *noted = note(state, address, sizeof value, place); \
        ORIGINAL(helper_##name##_mmu_x86_64)(state, address, value, kind, place); \
        forget(noted); \
    }
NOTES_LOAD(ret_ldub, 1)
NOTES_LOAD(le_lduw, 2)
NOTES_LOAD(le_ldul, 4)
NOTES_LOAD(le_ldq, 8)
NOTES_STORE(ret_stb, uint8_t)
NOTES_STORE(le_stw, uint16_t)
NOTES_STORE(le_stl, uint32_t)
NOTES_STORE(le_stq, uint64_t)

void debug_trap(struct machine *machine, uintptr_t place)
{
    struct cpu_state *state = machine->state;
    if (machine->debug_hits == 0 || state->hflags & HFLAG_INHIBIT_INTERRUPT)
        return;
    ORIGINAL(cpu_restore_state_x86_64)(machine->cpu, place, true);
    state->debug[STATUS] &= ~(uint64_t)STATUS_HITS;
    raise(state, VECTOR_DEBUG, 0);
}

void debug_leave(struct machine *machine, int32_t vector)
{
    struct cpu_state *state = machine->state;
    forget(machine);
    if (vector < 0 || vector >= EXCEPTIONS)
        return;
    if (vector == VECTOR_DEBUG) {
        state->debug[STATUS] |= machine->debug_hits;
        state->debug[CONTROL] &= ~(uint64_t)CONTROL_DETECT;
    }
    if (machine->debug_hits != 0) {
        machine->debug_hits = 0;
        machine_set_bound(machine);
    }
}
