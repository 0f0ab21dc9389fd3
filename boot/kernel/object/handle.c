#include "object/handle.h"

#include <stddef.h>

#include "base/work.h"
#include "memory/frames.h"

#define HANDLE_LIMIT (HANDLE_PAGES * HANDLES_PER_PAGE)

uint64_t handle_count;

static const struct cost one_page = {.pages = 1};

static struct handle_slot *slot_at(struct handle_table *table, uint64_t index)
{
    struct handle_slot *page = table->pages[index / HANDLES_PER_PAGE];
    return page ? &page[index % HANDLES_PER_PAGE] : NULL;
}

struct handle_slot *handle_slot(struct handle_table *table, handle_t handle)
{
    if (handle == 0 || handle > HANDLE_LIMIT)
        return NULL;
    struct handle_slot *slot = slot_at(table, handle - 1);
    return slot && slot->object ? slot : NULL;
}

/* NULL: no memory. */
static void *page_alloc(struct budget *budget)
{
    if (!budget_take(budget, one_page))
        return NULL;
    uint64_t frame = frame_alloc();
    if (!frame)
        budget_give(budget, one_page);
    return frame ? physical_pointer(frame) : NULL;
}

/* The first free slot from an index on, on a page that is there; STATUS_LIMIT, STATUS_NO_MEMORY. */
static int64_t find_free(struct handle_table *table, uint64_t index)
{
    for (; index < HANDLE_LIMIT; index++) {
        struct handle_slot **page = &table->pages[index / HANDLES_PER_PAGE];
        if (!*page && !(*page = page_alloc(table->budget)))
            return STATUS_NO_MEMORY;
        if (!slot_at(table, index)->object)
            return (int64_t)index;
    }
    return STATUS_LIMIT;
}

int64_t handle_reserve(struct handle_table *table, unsigned count)
{
    if (table->closed)
        return STATUS_PEER_GONE;
    int64_t index = find_free(table, table->free);
    if (index < 0)
        return index;
    table->free = (uint64_t)index;
    while (--count)
        if ((index = find_free(table, (uint64_t)index + 1)) < 0)
            return index;
    return STATUS_OK;
}

int64_t handle_insert(struct handle_table *table, void *object, uint32_t rights, uint64_t badge)
{
    int64_t status = handle_reserve(table, 1);
    if (status != STATUS_OK)
        return status;
    uint64_t index = table->free++;
    if (index >= table->end)
        table->end = index + 1;
    *slot_at(table, index) = (struct handle_slot){object, badge, rights};
    object_retain(object);
    object_reached(object);
    handle_count++;
    const struct object_type *type = ((struct object *)object)->type;
    if (type->handle_made)
        type->handle_made(object, rights);
    return (int64_t)index + 1;
}

struct handle_slot *handle_find(struct handle_table *table, handle_t handle, const struct object_type *type,
                                uint32_t rights, int64_t *status)
{
    struct handle_slot *slot = handle_slot(table, handle);
    if (!slot || slot->object->type != type) {
        *status = STATUS_BAD_HANDLE;
        return NULL;
    }
    if ((slot->rights & rights) != rights) {
        *status = STATUS_NO_RIGHT;
        return NULL;
    }
    return slot;
}

void *handle_object(struct handle_table *table, handle_t handle, const struct object_type *type, uint32_t rights,
                    int64_t *status)
{
    struct handle_slot *slot = handle_find(table, handle, type, rights, status);
    return slot ? slot->object : NULL;
}

int64_t handle_close(struct handle_table *table, handle_t handle)
{
    struct handle_slot *slot = handle_slot(table, handle);
    if (!slot)
        return STATUS_BAD_HANDLE;
    struct handle_slot closed = *slot;
    *slot = (struct handle_slot){0};
    handle_count--;
    if (handle - 1 < table->free)
        table->free = handle - 1;
    if (closed.object->type->handle_closed)
        closed.object->type->handle_closed(closed.object, closed.rights);
    object_release(closed.object);
    return STATUS_OK;
}

#define EMPTY_PER_UNIT 8 /* numbers without a handle */

bool handle_close_all(struct handle_table *table)
{
    table->closed = true;
    for (; table->end; table->end--) {
        if (!work_left)
            return false;
        if (handle_close(table, (handle_t)table->end) == STATUS_OK || table->end % EMPTY_PER_UNIT == 0)
            work_did(1);
    }
    for (uint64_t page = 0; page < HANDLE_PAGES; page++) {
        if (!table->pages[page])
            continue;
        frame_free(physical_address(table->pages[page]));
        budget_give(table->budget, one_page);
        table->pages[page] = NULL;
    }
    return true;
}
