/* One table over the exports of many modules. Open addressing; a key is a GNU hash value without its lowest bit, which
 * ends chains in files. */
#ifndef RTLD_INDEX_H
#define RTLD_INDEX_H
#include <rtld/link.h>

#include "symbols.h"

struct symbol_slot {
    uint32_t key;    /* hash | 1 */
    uint32_t module; /* position in the search order plus one; 0: empty */
    uint32_t symbol;
};

struct symbol_index {
    struct module *const *modules;
    struct symbol_slot *slots;
    unsigned shift;  /* of the mixed key, to the number of a slot */
};

static inline uint64_t index_slot(const struct symbol_index *index, uint32_t key)
{
    return ((uint64_t)key * 0x9e3779b97f4a7c15) >> index->shift;
}

/* The symbols of a module that it may export: [first, end). A module with only a gABI table has others among them. */
struct export_range {
    uint64_t first, end;
};

struct export_range index_exports(const struct module *module);
/* Over the modules of the search order, whose ranges are these and have so many symbols; NULL: it does not pay, or after a
 * report. */
struct symbol_index *index_make(struct link *link, const struct export_range *ranges, uint64_t exports);
#endif
