/* The slots of one module that are relocated: where they are staged, checked before each store. */
#ifndef RTLD_SLOT_H
#define RTLD_SLOT_H
#include <rtld/link.h>

#include "bytes.h"

#define SLOT_SIZE 8

struct slots {
    struct link *link;
    struct module *module;
    /* The writable segment that was stored to last: from `low` on `span` bytes, of which a slot may begin at the first
     * `room`. */
    uint64_t low, span, room;
    uint8_t *staging;
};

struct slots slots_of(struct link *link, struct module *module);
/* Make the writable segment around an address the last one; false: there is none. */
bool slot_turn_to(struct slots *slots, uint64_t address);
/* `size` bytes of a writable segment; NULL after a report. */
uint8_t *slot_place(struct slots *slots, uint64_t address, uint64_t size);
/* False after a report. */
bool slot_store(struct slots *slots, uint64_t address, uint64_t value);
#endif
