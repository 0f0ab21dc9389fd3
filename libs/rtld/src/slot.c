/* Slots in staging buffers. */
#include "slot.h"

#include "ground.h"

struct slots slots_of(struct link *link, struct module *module)
{
    return (struct slots){.link = link, .module = module};
}

bool slot_turn_to(struct slots *slots, uint64_t address)
{
    const struct segment *segment = module_segment(slots->module, address);
    if (!segment || !segment->staging)
        return false;
    slots->low = segment->address;
    slots->span = segment->memory_size;
    slots->room = slots->span < SLOT_SIZE ? 0 : slots->span - SLOT_SIZE + 1;
    slots->staging = segment->staging + (segment->address - segment->page_address);
    return true;
}

uint8_t *slot_place(struct slots *slots, uint64_t address, uint64_t size)
{
    if (!within(address - slots->low, size, slots->span) &&
        (!slot_turn_to(slots, address) || !within(address - slots->low, size, slots->span))) {
        ground_refuse(&slots->link->ground, LINK_TEXT_RELOCATION, slots->module->name, address, 0);
        return NULL;
    }
    return slots->staging + (address - slots->low);
}

bool slot_store(struct slots *slots, uint64_t address, uint64_t value)
{
    uint8_t *target = slot_place(slots, address, SLOT_SIZE);
    if (target)
        set_word(target, value);
    return target;
}
