/* A module's contents by address. */
#include <rtld/module.h>

#include "bytes.h"
#include "module.h"

struct segment *module_segment(const struct module *module, uint64_t address)
{
    for (unsigned i = 0; i < module->segment_count; i++)
        if (address - module->segments[i].address < module->segments[i].memory_size)
            return &module->segments[i];
    return NULL;
}

const void *module_data(const struct module *module, uint64_t address, uint64_t size, uint64_t align)
{
    const struct segment *segment = module_segment(module, address);
    if (!segment || !within(address - segment->address, size, segment->file_size))
        return NULL;
    const uint8_t *data = segment->data + (address - segment->address);
    return (uintptr_t)data % align ? NULL : data;
}

void *module_staged(const struct module *module, uint64_t address, uint64_t size)
{
    const struct segment *segment = module_segment(module, address);
    if (!segment || !segment->staging || !within(address - segment->address, size, segment->memory_size))
        return NULL;
    return segment->staging + (address - segment->page_address);
}

uint64_t module_bytes_from(const struct module *module, uint64_t address)
{
    const struct segment *segment = module_segment(module, address);
    return segment && address - segment->address < segment->file_size
               ? segment->file_size - (address - segment->address)
               : 0;
}

const char *module_string(const struct module *module, uint64_t offset)
{
    return module_string_inline(module, offset);
}

const struct elf_symbol *module_symbol(const struct module *module, uint64_t index)
{
    return module_symbol_inline(module, index);
}
