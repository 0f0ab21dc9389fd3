/* Where modules go in the target, and where this side writes their writable segments. */
#include <string.h>

#include "internal.h"

#define ADDRESS_RANDOM_PAGES 0x3ffffffff /* 34 bits of choice for the whole, 4 for each gap: */
#define GAP_RANDOM_PAGES 0xf             /* neighbours then share their page tables */

uint64_t random_top(const struct target *target)
{
    uint64_t pages = host_of(target)->random(target->context) & ADDRESS_RANDOM_PAGES;
    return TARGET_ADDRESS_TOP - pages * AMBILINK_PAGE_SIZE;
}

/* True: something lies in the range; *start is where the part of it that was found begins. */
static bool is_used(const struct target *target, uint64_t low, uint64_t high, uint64_t *start)
{
    for (const struct module *module = target->link.results.first; module; module = module->next)
        if (module->bias + module->low < high && low < module->bias + module->high) {
            *start = module->bias + module->low;
            return true;
        }
    for (const struct target_area *area = target->areas; area; area = area->next)
        if (area->at.there < high && low < area->at.there + area->at.size) {
            *start = area->at.there;
            return true;
        }
    return false;
}

/* For what is opened and closed again: the highest place below all that the start placed, so that the same addresses
 * serve again. 0: none. */
static uint64_t find_place(const struct target *target, uint64_t size, uint64_t gap, uint64_t align)
{
    uint64_t end = target->opens_below, address;
    do {
        if (size > end / 2 || gap > end / 2)
            return 0;
        address = (end - gap - size) & -align;
    } while (address && is_used(target, address - AMBILINK_PAGE_SIZE, address + size + gap, &end));
    return address;
}

uint64_t target_reserve(struct target *target, uint64_t size, uint64_t align)
{
    const struct target_host *host = host_of(target);
    if (host->reserve)
        return host->reserve(target->context, size, align);
    uint64_t gap = (1 + (host->random(target->context) & GAP_RANDOM_PAGES)) * AMBILINK_PAGE_SIZE;
    if (target->opens_below)
        return find_place(target, size, gap, align);
    uint64_t top = target->next_address;
    if (size > top / 2 || gap > top / 2)
        return 0;
    uint64_t address = (top - gap - size) & -align;
    if (address)
        target->next_address = address;
    return address;
}

bool is_found(const struct target *target, const struct module *module)
{
    uint64_t bias;
    const struct target_host *host = host_of(target);
    return module->file.in_place || (host->find && host->find(target->context, module, &bias));
}

bool place_module(void *context, const struct module *module, uint64_t *bias)
{
    struct target *target = context;
    const struct target_host *host = host_of(target);
    if (target->relinking)
        return module_list_base(&target->block->at, target->list, module->name, bias);
    if (module->file.in_place || (host->find && host->find(target->context, module, bias)))
        return true;
    uint64_t address = target_reserve(target, module->high - module->low, module->align);
    if (!address)
        return false;
    target->placed++;
    *bias = address - module->low;
    return true;
}

/* Of all that is fresh; 0: more than there can be. */
static uint64_t writable_size(const struct link *link)
{
    uint64_t size = 0;
    for (const struct module *module = link->results.fresh; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++)
            if (module->segments[i].flags & PF_W && __builtin_add_overflow(size, module->segments[i].pages_size, &size))
                return 0;
    return size;
}

uint8_t *target_stage(struct target *target, uint64_t size)
{
    struct staging staging = {.size = page_up(size)};
    if (!staging.size || !host_of(target)->stage(target->context, &staging))
        return NULL;
    target->staging = staging;
    target->staged = 0;
    return staging.here;
}

/* For words that the target has already. */
static bool make_scratch(struct target *target, uint64_t size)
{
    uint64_t wanted = size;
    uint8_t *block = size ? host_of(target)->allocate(target->context, &wanted) : NULL;
    if (!block)
        return false;
    memset(block, 0, size);
    target->staging = (struct staging){.here = block, .size = size};
    target->staged = 0;
    target->scratch_size = wanted;
    return true;
}

void end_staging(struct target *target)
{
    if (target->scratch_size)
        host_of(target)->release(target->context, target->staging.here, target->scratch_size);
    else if (target->staging.here)
        host_of(target)->unstage(target->context, &target->staging);
    target->staging = (struct staging){0};
    target->staged = target->scratch_size = 0;
}

static void *stage_there(struct target *target, const struct module *module, const struct segment *segment, bool *filled)
{
    uint64_t address = module->bias + segment->page_address;
    struct target_mapping mapping = {
        .address = address,
        .size = segment->pages_size,
        .source = TARGET_ZERO,
        .prot = PROT_READ_WRITE,
        .name = module->name,
    };
    if (is_found(target, module))
        *filled = true;
    else if (host_of(target)->map(target->context, &mapping, 1) != 1)
        return NULL;
    else
        target->filled++;
    return (void *)(uintptr_t)address;
}

/* What is loaded together is staged together, in the order of modules and segments: one memory for all of it. */
void *stage_segment(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    struct target *target = context;
    if (module->file.in_place)
        return target; /* nothing is written there */
    if (lives_there(target) && !target->relinking)
        return stage_there(target, module, segment, filled);
    if (!target->staging.here) {
        uint64_t size = writable_size(&target->link);
        if (!(target->relinking ? make_scratch(target, size) : target_stage(target, size) != NULL))
            return NULL;
    }
    target->staged += segment->pages_size;
    return target->staging.here + target->staged - segment->pages_size;
}
