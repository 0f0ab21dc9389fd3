/* A module's contents, as the core reads them. */
#ifndef RTLD_SRC_MODULE_H
#define RTLD_SRC_MODULE_H
#include <rtld/module.h>

/* File bytes from an address to the end of its segment's file part. */
uint64_t module_bytes_from(const struct module *module, uint64_t address);

/* module_string and module_symbol, where a call costs too much. */
static inline const char *module_string_inline(const struct module *module, uint64_t offset)
{
    return offset < module->strings.count ? (const char *)module->strings.data + offset : NULL;
}

static inline const struct elf_symbol *module_symbol_inline(const struct module *module, uint64_t index)
{
    return index < module->symbols.count ? (const struct elf_symbol *)module->symbols.data + index : NULL;
}
#endif
