/* Mapping what was linked, and unmapping it. Mappings are made in batches: a call to a system costs more than a mapping. */
#include "internal.h"

static bool make_batch(struct target *target)
{
    struct linker *linker = target->linker;
    size_t count = linker->batch_count;
    size_t made = count ? linker->host->map(target->context, linker->batch, count) : 0;
    for (size_t i = 0; i < made; i++)
        if (linker->batch[i].made)
            ++*linker->batch[i].made;
    linker->batch_count = 0;
    return made == count;
}

/* Room for one more; NULL: those before it could not be made. */
static struct target_mapping *next_mapping(struct target *target)
{
    struct linker *linker = target->linker;
    if (linker->batch_count == TARGET_BATCH_MAX && !make_batch(target))
        return NULL;
    return &linker->batch[linker->batch_count++];
}

bool target_batch_add(struct target *target, const struct target_mapping *mapping)
{
    struct target_mapping *next = next_mapping(target);
    if (!next)
        return false;
    *next = *mapping;
    next->made = NULL;
    return true;
}

static bool map_read_only(struct target *target, const struct module *module, const struct segment *segment)
{
    struct target_mapping *mapping = next_mapping(target);
    if (!mapping)
        return false;
    mapping->address = module->bias + segment->page_address;
    mapping->size = segment->pages_size;
    mapping->offset = segment->file_offset - (segment->address - segment->page_address);
    mapping->source = TARGET_FILE;
    mapping->prot = segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY;
    mapping->file = &module->file;
    mapping->name = module->name;
    mapping->made = &target->mapped;
    return true;
}

static bool map_some_staged(struct target *target, const struct staging *staging, uint64_t offset, uint64_t size,
                            uint64_t address, unsigned prot, const char *name, size_t *made)
{
    struct target_mapping *mapping = next_mapping(target);
    if (!mapping)
        return false;
    mapping->address = address;
    mapping->size = size;
    mapping->offset = offset;
    mapping->source = TARGET_STAGED;
    mapping->prot = prot;
    mapping->staging = staging;
    mapping->name = name;
    mapping->made = made;
    return true;
}

static bool map_staged(struct target *target, const struct module *module, const struct segment *segment)
{
    struct segment_part parts[SEGMENT_PARTS_MAX];
    unsigned count = segment_parts(&target->link, module, segment, parts);
    uint64_t address = module->bias + segment->page_address, offset = (uint64_t)(segment->staging - target->staging.here);
    for (unsigned i = 0; i < count; i++)
        if (!map_some_staged(target, &target->staging, offset + parts[i].offset, parts[i].size, address + parts[i].offset,
                             parts[i].prot, module->name, &target->mapped))
            return false;
    return true;
}

static bool protect_relro(struct target *target, const struct module *module, const struct segment *segment)
{
    const struct target_host *host = host_of(target);
    if (!segment->relro_size || relro_waits(&target->link, module, segment) ||
        host->protect(target->context, module->bias + segment->relro_address, segment->relro_size, PROT_READ_ONLY))
        return true;
    host->log(target->context, "RELRO cannot be made read-only");
    return false;
}

static bool map_module(struct target *target, const struct module *module)
{
    if (module->file.in_place)
        return true;
    bool there = is_found(target, module);
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        bool good = !(segment->flags & PF_W) ? there || map_read_only(target, module, segment)
                    : lives_there(target)    ? protect_relro(target, module, segment)
                                             : map_staged(target, module, segment);
        if (!good)
            return false;
    }
    return true;
}

static bool waits(const struct target_area *area)
{
    return !area->is_mapped && area->staging.size;
}

static bool map_areas(struct target *target)
{
    for (const struct target_area *area = target->areas; area != target->areas_before; area = area->next)
        if (waits(area) && !map_some_staged(target, &area->staging, 0, area->at.size, area->at.there, area->prot, NULL,
                                            &target->areas_mapped))
            return false;
    return true;
}

static bool map_all(struct target *target)
{
    if (!map_areas(target))
        return false;
    for (const struct module *module = target->link.results.fresh; module; module = module->next)
        if (!map_module(target, module))
            return false;
    return make_batch(target);
}

bool map_fresh(struct target *target)
{
    bool good = map_all(target);
    for (struct target_area *area = target->areas; target->areas_mapped; area = area->next)
        if (waits(area)) {
            area->is_mapped = true;
            target->areas_mapped--;
        }
    return good;
}

/* So many of them are mapped: of the writable segments that lie where they belong, and of all else. */
static void unmap_some(struct target *target, const struct module *module)
{
    const struct target_host *host = host_of(target);
    for (unsigned i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t address = module->bias + segment->page_address;
        if (!(segment->flags & PF_W) || lives_there(target)) {
            size_t *left = segment->flags & PF_W ? &target->filled : &target->mapped;
            if (*left) {
                --*left;
                host->unmap(target->context, address, segment->pages_size);
            }
            continue;
        }
        struct segment_part parts[SEGMENT_PARTS_MAX];
        unsigned count = segment_parts(&target->link, module, segment, parts);
        for (unsigned j = 0; j < count && target->mapped; j++, target->mapped--)
            host->unmap(target->context, address + parts[j].offset, parts[j].size);
    }
}

static void give_back_range(struct target *target, const struct module *module)
{
    const struct target_host *host = host_of(target);
    if (host->unreserve && module->type == ET_DYN)
        host->unreserve(target->context, module->bias + module->low, module->high - module->low);
}

void unmap_fresh(struct target *target)
{
    target->linker->batch_count = 0;
    for (const struct module *module = target->link.results.fresh; module && !target->relinking; module = module->next) {
        if (is_found(target, module))
            continue;
        unmap_some(target, module);
        if (module->type == ET_DYN && target->placed) {
            target->placed--;
            give_back_range(target, module);
        }
    }
    target->placed = target->filled = target->mapped = 0;
}

void unmap_module(struct target *target, const struct module *module)
{
    const struct target_host *host = host_of(target);
    for (unsigned i = 0; i < module->segment_count; i++)
        host->unmap(target->context, module->bias + module->segments[i].page_address, module->segments[i].pages_size);
    give_back_range(target, module);
}
