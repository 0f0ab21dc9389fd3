/* Memory that is written here and read in the target. */
#include <hostlink/start_stack.h>

#include "internal.h"

/* Where this host lives in the target the area is mapped at once, else when all is written that the target will see. */
static bool make_view(struct target *target, struct target_area *area)
{
    const struct target_host *host = host_of(target);
    if (!lives_there(target)) {
        area->staging = (struct staging){.size = area->at.size, .growth = area->growth};
        bool good = host->stage(target->context, &area->staging);
        area->at.here = area->staging.here;
        return good;
    }
    struct target_mapping mapping = {
        .address = area->at.there,
        .size = area->at.size,
        .source = TARGET_ZERO,
        .prot = PROT_READ_WRITE,
    };
    area->at.here = (uint8_t *)(uintptr_t)area->at.there;
    return area->is_mapped = host->map(target->context, &mapping, 1) == 1;
}

/* The block's record lies in the target's, which has one block at most. */
static struct target_area *new_area(struct target *target, bool is_block)
{
    uint64_t size = sizeof(struct target_area);
    struct target_area *area = is_block ? &target->block_area : host_of(target)->allocate(target->context, &size);
    if (area)
        *area = (struct target_area){.record_size = is_block ? 0 : size};
    return area;
}

static void free_record(struct target *target, struct target_area *area)
{
    if (area->record_size)
        host_of(target)->release(target->context, area, area->record_size);
}

static void join(struct target *target, struct target_area *area)
{
    area->next = target->areas;
    target->areas = area;
}

static struct target_area *make(struct target *target, uint64_t address, uint64_t size, uint64_t growth, unsigned prot,
                                bool is_block)
{
    struct target_area *area = new_area(target, is_block);
    if (!area)
        return NULL;
    area->at.size = size;
    area->at.there = address;
    area->prot = prot;
    area->growth = growth;
    if (!make_view(target, area)) {
        free_record(target, area);
        return NULL;
    }
    join(target, area);
    return area;
}

static struct target_area *make_anywhere(struct target *target, uint64_t size, uint64_t growth, unsigned prot, bool is_block)
{
    const struct target_host *host = host_of(target);
    uint64_t rounded = page_up(size), address = target_reserve(target, rounded, AMBILINK_PAGE_SIZE);
    struct target_area *area = address ? make(target, address, rounded, growth, prot, is_block) : NULL;
    if (address && !area && host->unreserve)
        host->unreserve(target->context, address, rounded);
    if (area)
        area->is_reserved = true;
    return area;
}

struct target_area *target_area_make(struct target *target, uint64_t size, unsigned prot)
{
    return make_anywhere(target, size, 0, prot, false);
}

struct target_area *target_stack_make(struct target *target, uint64_t size, uint64_t used)
{
    const uint64_t present = page_up(used) + START_STACK_PRESENT;
    return make_anywhere(target, size, present < size ? size - present : 0, PROT_READ_WRITE, false);
}

struct target_area *target_block_make(struct target *target, uint64_t address, uint64_t size)
{
    target->linked_elsewhere = true;
    return target->block = make(target, address, page_up(size), 0, PROT_READ_ONLY, true);
}

struct target_area *make_block(struct target *target, uint64_t size, const struct shared_area *given)
{
    if (!given || given->size < size)
        return target->block = make_anywhere(target, size, 0, PROT_READ_ONLY, true);
    struct target_area *area = new_area(target, true);
    area->at = *given;
    area->at.used = 0;
    area->prot = PROT_READ_ONLY;
    join(target, area);
    return target->block = area;
}

void adopt_block(struct target *target, const struct staging *view, uint64_t address)
{
    struct target_area *area = new_area(target, true);
    area->at = (struct shared_area){view->here, address, view->size, view->size};
    area->staging = *view;
    area->is_mapped = true;
    join(target, area);
    target->block = area;
}

static void leave(struct target *target, struct target_area *area)
{
    struct target_area **at = &target->areas;
    while (*at != area)
        at = &(*at)->next;
    *at = area->next;
    if (target->areas_before == area)
        target->areas_before = area->next;
    if (target->opened == area)
        target->opened = NULL;
    if (target->block == area) {
        target->block = NULL;
        target->list = NULL;
    }
}

static void end_view(struct target *target, struct target_area *area)
{
    if (area->staging.size)
        host_of(target)->unstage(target->context, &area->staging);
    free_record(target, area);
}

void target_area_close(struct target *target, struct target_area *area)
{
    const struct target_host *host = host_of(target);
    leave(target, area);
    /* Until now this side wrote there. */
    if (lives_there(target) && area->prot != PROT_READ_WRITE &&
        !host->protect(target->context, area->at.there, area->at.size, area->prot))
        host->log(target->context, "the start block stays writable");
    end_view(target, area);
}

void target_area_free(struct target *target, struct target_area *area)
{
    const struct target_host *host = host_of(target);
    leave(target, area);
    if (area->is_mapped)
        host->unmap(target->context, area->at.there, area->at.size);
    if (area->is_reserved && host->unreserve)
        host->unreserve(target->context, area->at.there, area->at.size);
    end_view(target, area);
}

void free_new_areas(struct target *target)
{
    while (target->areas != target->areas_before)
        target_area_free(target, target->areas);
}

void forget_areas(struct target *target)
{
    while (target->areas)
        target_area_close(target, target->areas);
}

void describe_gone(struct target *target, const struct module *module)
{
    struct target_area *area = target->areas;
    while ((uint64_t)((const uint8_t *)module->host_data - area->at.here) >= area->at.size)
        area = area->next;
    module_list_remove(&target->link, target->list, module);
    if (--area->modules == 0 && area != target->block)
        target_area_free(target, area);
}
