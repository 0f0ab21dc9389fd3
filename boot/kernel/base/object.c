#include "base/object.h"

#include <stddef.h>

#include "base/work.h"

bool objects_are_reached;
static struct object *dying; /* the last first: what an object holds ends before what was dying before it */

const struct object_type system_type; /* never destroyed: the kernel keeps a reference */
struct object system_object = {.type = &system_type, .references = 1};

void object_die(struct object *object)
{
    object->next_dying = dying;
    dying = object;
    work_waiting++;
}

void objects_destroy(void)
{
    while (dying && work_left) {
        struct object *object = dying;
        dying = object->next_dying;
        work_did(1);
        if (object->type->destroy(object)) {
            work_waiting--;
            continue;
        }
        object->next_dying = dying;
        dying = object;
    }
}
