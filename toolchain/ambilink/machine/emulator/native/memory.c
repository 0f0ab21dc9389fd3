/* Memory through the guest's page tables, by 4-level paging in long mode. */
#include "machine.h"

enum { PAGE_PRESENT = 1, PAGE_WRITABLE = 2, PAGE_LARGE = 0x80, LEVELS = 4 };

static const uint64_t ADDRESS_MASK = 0x000ffffffffff000;

static uint8_t *physical_memory(const struct machine *machine, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < MEMORY_RANGES; i++) {
        const struct memory_range *range = &machine->memory[i];
        if (address >= range->start && address - range->start < range->size &&
            range->size - (address - range->start) >= size)
            return range->bytes + (address - range->start);
    }
    return NULL;
}

uint8_t *machine_memory(const struct machine *machine, uint64_t address, bool is_write)
{
    uint64_t table = machine->state->control[3] & ADDRESS_MASK;
    for (int level = LEVELS - 1; level >= 0; level--) {
        unsigned shift = 12 + 9 * (unsigned)level;
        const uint64_t *entry = (uint64_t *)physical_memory(machine, table + (address >> shift & 511) * 8, 8);
        if (entry == NULL || !(*entry & PAGE_PRESENT) || (is_write && !(*entry & PAGE_WRITABLE)))
            return NULL;
        if (level == 0 || ((level == 1 || level == 2) && *entry & PAGE_LARGE)) {
            uint64_t inside = ((uint64_t)1 << shift) - 1;
            return physical_memory(machine, (*entry & ADDRESS_MASK & ~inside) | (address & inside), 1);
        }
        table = *entry & ADDRESS_MASK;
    }
    return NULL;
}
