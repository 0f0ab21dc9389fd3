/* Kernel modules: drivers that are linked when the machine boots, against what the kernel exports. */
#ifndef LINK_MODULES_H
#define LINK_MODULES_H
#include "memory/memory.h"

/* Load the image's modules in their order and run their constructors. What fails is logged, and counted in
 * boot_image.failures; the others are loaded. */
void modules_load(void);

/* Memory of a writable segment of a loaded module, which stays. */
struct module_memory {
    struct module_memory *next;
    uint64_t address;
    struct memory *memory;
};
/* The first; to be read only. */
const struct module_memory *modules_memories(void);
#endif
