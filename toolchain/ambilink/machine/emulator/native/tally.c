/* How often each instruction is executed, by page table and address: a hash table that Python provides. */
#include "native.h"
#include "machine.h"

struct tally {
    uint64_t table; /* physical; 0: the kernel's half, which all tables share */
    uint64_t address;
    uint64_t count; /* 0: free */
};

struct tallies {
    struct machine *machine;
    uint64_t size; /* a power of two */
    uint64_t used;
    uint64_t lost; /* instructions that found no place */
    struct tally *entries;
};

static const uint64_t TABLE_MASK = 0x000ffffffffff000;

EXPORT void tally(void *engine, uint64_t address, uint32_t length, struct tallies *tallies);

/* Unicorn's hook before each instruction. */
EXPORT void tally(void *engine, uint64_t address, uint32_t length, struct tallies *tallies)
{
    (void)engine, (void)length;
    if (tallies->machine->begins_again) {
        tallies->machine->begins_again = 0;
        return;
    }
    uint64_t table = address >> 63 ? 0 : tallies->machine->state->control[3] & TABLE_MASK;
    uint64_t slot = address + (table >> 12) * 0x9e3779b1; /* neighbours stay neighbours: fewer pages are touched */
    for (uint64_t i = 0; i < tallies->size; i++, slot++) {
        struct tally *entry = &tallies->entries[slot & (tallies->size - 1)];
        if (entry->count == 0) {
            if (tallies->used * 2 >= tallies->size)
                break;
            tallies->used++;
            entry->table = table;
            entry->address = address;
        } else if (entry->table != table || entry->address != address) {
            continue;
        }
        entry->count++;
        return;
    }
    tallies->lost++;
}

EXPORT void tallies_compact(struct tallies *tallies);

/* All that are used come first, in no order; nothing is counted any more. */
EXPORT void tallies_compact(struct tallies *tallies)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < tallies->size; i++)
        if (tallies->entries[i].count != 0)
            tallies->entries[count++] = tallies->entries[i];
}
