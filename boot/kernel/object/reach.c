#include "object/reach.h"

#include <stddef.h>

static uint64_t collection; /* the number of the last one */
static struct reach *to_follow;

void reach_begin(void)
{
    collection++;
    objects_are_reached = true;
}

void reach_end(void)
{
    objects_are_reached = false;
}

bool reach_first(struct reach *reach, void *object)
{
    if (is_reached(reach))
        return false;
    object_retain(object);
    *reach = (struct reach){collection, object, to_follow};
    to_follow = reach;
    return true;
}

void reach_new(struct reach *reach)
{
    reach->collection = collection;
}

bool is_reached(const struct reach *reach)
{
    return reach->collection == collection;
}

struct object *reach_take(void)
{
    struct reach *reach = to_follow;
    if (!reach)
        return NULL;
    to_follow = reach->next;
    return reach->object;
}
