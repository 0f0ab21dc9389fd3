#include "kernel.h"

void object_retain(void *pointer)
{
    struct object *object = pointer;
    object->references++;
}

void object_release(void *pointer)
{
    struct object *object = pointer;
    if (--object->references)
        return;
    switch (object->kind) {
    case OBJECT_MEMORY:
        memory_destroy(pointer);
        break;
    case OBJECT_PROCESS:
        process_destroy(pointer);
        break;
    case OBJECT_THREAD:
        thread_destroy(pointer);
        break;
    case OBJECT_ENDPOINT:
        endpoint_destroy(pointer);
        break;
    case OBJECT_REPLY:
        reply_destroy(pointer);
        break;
    default:
        break; /* the system object is static */
    }
}
