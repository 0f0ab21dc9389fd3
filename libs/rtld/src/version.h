/* Symbol versions of one module. */
#ifndef RTLD_VERSION_H
#define RTLD_VERSION_H
#include <rtld/ground.h>

#include "module.h"

/* The versions that a module defines and needs, by their index; false after a report. */
bool module_parse_versions(struct ground *ground, struct module *module);
/* Whether two records are of one version, by its name. */
bool version_equal(const struct version *left, const struct version *right);

/* What module_symbol_version returns, or a record without a name; for an index below versym.count. */
static inline const struct version *version_at(const struct module *module, uint64_t index)
{
    uint32_t number = ((const uint16_t *)module->versym.data)[index] & VERSYM_INDEX;
    return number < module->version_count ? &module->versions[number] : NULL;
}

/* Without looking at names: the very version, or the one that a need was checked against. */
static inline bool version_is_checked(const struct version *wanted, const struct version *version)
{
    return wanted && version && (version == wanted || version == wanted->definition);
}
#endif
