#include "base/object.h"

static void never_destroyed(void *object)
{
    (void)object;
}

const struct object_type system_type = {.destroy = never_destroyed};
struct object system_object = {&system_type, 1};

void object_retain(void *pointer)
{
    struct object *object = pointer;
    object->references++;
}

void object_release(void *pointer)
{
    struct object *object = pointer;
    if (--object->references == 0)
        object->type->destroy(object);
}
