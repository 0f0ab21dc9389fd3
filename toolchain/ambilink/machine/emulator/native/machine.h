/* A machine: one engine of Unicorn with its count of instructions, its time and its memory. Python owns the structure
 * (native/machine.py mirrors it) and attaches it; engines without one run as Unicorn has it.
 *
 * Between blocks the count is exact. In a block it has all of the block's instructions; machine_executed and
 * machine_settle subtract those that have not been begun, which the table behind the block's translation has. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unicorn.h"

enum { MEMORY_RANGES = 2, LINE_MAX = 512 };

struct memory_range {
    uint64_t start, size; /* physical */
    uint8_t *bytes;
};

/* What the guest executes and is not done as a processor does it. */
enum deviation { DEVIATION_FERR, DEVIATIONS };

struct machine {
    /* Read at each block. */
    uint64_t count;   /* instructions of this run; a faulting one counts each time that it is begun */
    uint64_t bound;   /* a block that would pass it is looked at first: see machine_set_bound */
    uintptr_t place;  /* in the running block's code */
    uint32_t block;   /* its instructions; 0: no block is running */
    uint32_t ignored; /* times that a block was not as expected: then nothing counts */
    int32_t *exit;
    int32_t *can_access_devices; /* else cpu_io_recompile is called */
    /* What ends a run. */
    uint64_t limit;      /* so many instructions */
    uint32_t pause;      /* behind the instruction that is running */
    uint32_t interrupts; /* once the CPU lets interrupts in */
    uint32_t is_halted;  /* it ended at hlt */
    uint32_t begins_again; /* the instruction that comes runs alone now, and was begun in a longer block */
    /* The engine. */
    void *engine, *cpu, *translator;
    struct cpu_state *state;
    uint64_t start_time; /* of the guest, in nanoseconds: one for each instruction of the run comes on top */
    uint64_t system_calls, exceptions, deliveries;
    uintptr_t access; /* in translated code, of the last access that missed the TLB */
    void (*deliver)(void *engine, uint32_t vector);
    struct memory_range memory[MEMORY_RANGES];
    /* What is sent to the serial line while its state stays as it is. Python is asked again at the end of a line. */
    uint32_t line_port; /* 0: each access to the line is Python's */
    uint32_t line_size;
    uint8_t line[LINE_MAX];
    uint64_t counter_adjust; /* what the time-stamp counter is ahead of the guest's time */
    /* MSRs of the local APIC, and its CR8. Both are given the time-stamp counter, and tell whether there is none such. */
    uint64_t (*read_register)(uint32_t msr, uint64_t counter, uint32_t *fault);
    uint32_t (*write_register)(uint32_t msr, uint64_t value, uint64_t counter);
    /* debug.c: the access of translated code that is noted, if its place is not 0; what breakpoints the running
     * instruction hit. */
    uint64_t noted_address;
    uintptr_t noted_place;
    uint32_t noted_size, debug_hits;
    struct {
        uint64_t rip, page_table;
    } deviations[DEVIATIONS]; /* where each was met first */
    uint32_t deviated;        /* a bit for each that was */
    /* access.c: code is fetched to be translated; CR2 before that. */
    uint32_t is_translating;
    uint64_t fault_address;
};

enum { REGISTER_CR8 = 0x7fffffff }; /* in place of an MSR's number */

/* The machine of an engine, of its CPU's state, or NULL. */
struct machine *machine_of(const void *engine);
struct machine *machine_of_cpu(const void *cpu);
struct machine *machine_of_state(const struct cpu_state *state);

/* Instructions of this run, that which is running included. RIP must be its address, as it is in every hook. */
uint64_t machine_executed(const struct machine *machine);

/* Guest time in nanoseconds, as exact. */
uint64_t machine_time(const struct machine *machine);

/* The running block is left at RIP. `is_begun`: the instruction there counts. */
void machine_settle(struct machine *machine, bool is_begun);

/* For an instruction that has changed nothing yet, called at a place in translated code, and may end the run: begin again
 * with it in a block of its own, behind which the run can end. Returns if it is in one. */
void machine_run_alone(struct machine *machine, uintptr_t place);

/* From what ends a run, and breakpoints that were hit: the limit, or 0, where each block must be looked at. */
void machine_set_bound(struct machine *machine);

/* The instruction at a place in translated code is a deviation. */
void machine_note(struct machine *machine, enum deviation deviation, uintptr_t place);

bool machine_accepts_interrupt(const struct machine *machine);

/* The byte of memory that the kernel would access at a virtual address; NULL: not mapped, not writable, or no memory. */
uint8_t *machine_memory(const struct machine *machine, uint64_t address, bool is_write);

uint64_t machine_flags(struct machine *machine);
void machine_set_flags(struct machine *machine, uint64_t flags);
