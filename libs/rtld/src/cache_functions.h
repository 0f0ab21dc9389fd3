/* What the core asks of a link's cache, where it has one. The core knows nothing else of it; bool: false after a
 * report. */
#ifndef RTLD_CACHE_FUNCTIONS_H
#define RTLD_CACHE_FUNCTIONS_H
#include <rtld/link.h>

struct relocation;
struct definition;

struct link_cache_functions {
    /* The same as module_parse. */
    bool (*parse)(struct link *link, struct module *module, const char *name, const struct file_view *file);
    /* Once the search order is known: find, or make, the records of the modules that are relocated. */
    bool (*prepare)(struct link *link);
    /* Store the slots of entries from `entry` on whose bindings are cached; how many. */
    uint64_t (*replay)(const struct relocation *relocation, const struct elf_rela *entry, const struct elf_rela *end);
    /* An entry was bound, and its slot is what it should be: perhaps the next link can have it. */
    void (*record)(const struct relocation *relocation, const struct elf_rela *entry, const struct definition *found);
};
#endif
