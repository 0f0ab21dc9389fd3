/* Memory that this service and a process share. */
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

static bool map_both(struct remote *remote, struct area *area, handle_t memory, unsigned prot)
{
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    int64_t here = sys_process_map(self, memory, 0, area->at.size, 0, PROT_READ_WRITE);
    if (here < 0)
        return false;
    area->at.here = (uint8_t *)here;
    if (sys_process_map(remote->process, memory, 0, area->at.size, area->at.there, prot) >= 0)
        return true;
    sys_process_unmap(self, (uint64_t)here, area->at.size);
    return false;
}

struct area *area_make(struct remote *remote, uint64_t size, unsigned prot)
{
    uint64_t address = remote_reserve(remote, (size + PAGE_MASK) & ~PAGE_MASK, AMBILINK_PAGE_SIZE);
    return address ? area_make_at(remote, address, size, prot) : NULL;
}

struct area *area_make_at(struct remote *remote, uint64_t address, uint64_t size, unsigned prot)
{
    struct area *area = calloc(1, sizeof *area);
    if (!area)
        return NULL;
    area->at.size = (size + PAGE_MASK) & ~PAGE_MASK;
    area->at.there = address;
    int64_t memory = sys_memory_create(area->at.size);
    bool good = memory >= 0 && map_both(remote, area, (handle_t)memory, prot);
    if (memory >= 0)
        sys_handle_close((handle_t)memory);
    if (!good) {
        free(area);
        return NULL;
    }
    area->next = remote->areas;
    remote->areas = area;
    return area;
}

struct area *area_adopt(struct remote *remote, handle_t memory, uint64_t address, uint64_t size)
{
    struct area *area = calloc(1, sizeof *area);
    int64_t here = area ? sys_process_map(sys_start_handle(START_HANDLE_SELF), memory, 0, size, 0, PROT_READ_WRITE) : -1;
    if (here < 0) {
        free(area);
        return NULL;
    }
    *area = (struct area){remote->areas, {(uint8_t *)here, address, size, size}, 0};
    remote->areas = area;
    return area;
}

void area_free(struct remote *remote, struct area *area, bool process_lives)
{
    struct area **at = &remote->areas;
    while (*at != area)
        at = &(*at)->next;
    *at = area->next;
    sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)area->at.here, area->at.size);
    if (process_lives)
        sys_process_unmap(remote->process, area->at.there, area->at.size);
    free(area);
}

struct area *area_of(const struct remote *remote, const void *here)
{
    for (struct area *area = remote->areas; area; area = area->next)
        if ((uint64_t)((const uint8_t *)here - area->at.here) < area->at.size)
            return area;
    return NULL;
}
