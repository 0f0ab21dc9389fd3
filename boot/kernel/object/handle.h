/* Handle tables: small numbers, meaningful in one process only, each with an object, rights and a badge. */
#ifndef OBJECT_HANDLE_H
#define OBJECT_HANDLE_H
#include <ambilink/abi.h>
#include <stdbool.h>

#include "base/budget.h"
#include "base/object.h"
#include "base/page.h"

struct handle_slot {
    struct object *object;
    uint64_t badge;
    uint32_t rights;
};

#define HANDLES_PER_PAGE (PAGE_SIZE / sizeof(struct handle_slot))
#define HANDLE_PAGES 16

struct handle_table {
    struct budget *budget; /* pays for the pages */
    struct handle_slot *pages[HANDLE_PAGES];
    uint64_t free; /* all slots below this index are taken */
    uint64_t end;  /* no slot from this index on is taken */
    bool closed;   /* its process ended: nothing comes in */
};

/* Handles in all tables. */
extern uint64_t handle_count;

/* A new handle, which keeps the object; or STATUS_PEER_GONE, STATUS_LIMIT, STATUS_NO_MEMORY. */
int64_t handle_insert(struct handle_table *table, void *object, uint32_t rights, uint64_t badge);
/* STATUS_OK: the next `count` calls of handle_insert succeed. Else the status that one would give. */
int64_t handle_reserve(struct handle_table *table, unsigned count);
/* The slot of a handle, NULL: there is none. Good until the handle is closed. */
struct handle_slot *handle_slot(struct handle_table *table, handle_t handle);
/* The slot if the handle has this type and all these rights; else NULL and *status is STATUS_BAD_HANDLE or
 * STATUS_NO_RIGHT. */
struct handle_slot *handle_find(struct handle_table *table, handle_t handle, const struct object_type *type,
                                uint32_t rights, int64_t *status);
/* The same of the object, not retained. */
void *handle_object(struct handle_table *table, handle_t handle, const struct object_type *type, uint32_t rights,
                    int64_t *status);
/* STATUS_BAD_HANDLE: there is none. */
int64_t handle_close(struct handle_table *table, handle_t handle);
/* Close all, within what work_left allows; nothing comes in from the first call on. False: to be called again. */
bool handle_close_all(struct handle_table *table);
#endif
