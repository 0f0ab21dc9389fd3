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
    int64_t here = sys_process_map(self, memory, 0, area->size, 0, PROT_READ_WRITE);
    if (here < 0)
        return false;
    area->here = (uint8_t *)here;
    if (sys_process_map(remote->process, memory, 0, area->size, area->there, prot) >= 0)
        return true;
    sys_process_unmap(self, (uint64_t)here, area->size);
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
    area->size = (size + PAGE_MASK) & ~PAGE_MASK;
    area->there = address;
    int64_t memory = sys_memory_create(area->size);
    bool good = memory >= 0 && map_both(remote, area, (handle_t)memory, prot);
    if (memory >= 0)
        sys_handle_close((handle_t)memory);
    if (!good) {
        free(area);
        return NULL;
    }
    return area;
}

void area_free(struct remote *remote, struct area *area, bool process_lives)
{
    sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)area->here, area->size);
    if (process_lives)
        sys_process_unmap(remote->process, area->there, area->size);
    free(area);
}

uint64_t area_put(struct area *area, const void *bytes, uint64_t size)
{
    uint64_t at = area->used;
    memcpy(area->here + at, bytes, size);
    area->used = area_rounded(at + size);
    return area->there + at;
}

uint64_t area_put_string(struct area *area, const char *text)
{
    return area_put(area, text, strlen(text) + 1);
}
