#include "opened.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef void procedure(void);

struct opened_object {
    struct opened_object *next;
    uint64_t handle;
    const uint64_t *initializers;
    uint64_t initializer_count, finalizer_count;
    uint64_t finalizers[];
};

static struct opened_object *constructed; /* the last one first */


static void forget(struct opened_object *object)
{
    while (object) {
        struct opened_object *next = object->next;
        __libc_free(object);
        object = next;
    }
}

bool __opened_prepare(struct opened_object **first, const struct loader_object *objects, uint64_t count,
                      const uint64_t *functions)
{
    struct opened_object **last = first;
    *first = NULL;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t size = objects[i].finalizer_count * sizeof *functions;
        struct opened_object *object = __libc_malloc(sizeof *object + size);
        if (!object) {
            forget(*first);
            return false;
        }
        *object = (struct opened_object){
            .handle = objects[i].handle,
            .initializers = functions,
            .initializer_count = objects[i].initializer_count,
            .finalizer_count = objects[i].finalizer_count,
        };
        functions += objects[i].initializer_count;
        memcpy(object->finalizers, functions, size);
        functions += objects[i].finalizer_count;
        *last = object;
        last = &object->next;
    }
    return true;
}

void __opened_construct(struct opened_object *first)
{
    for (struct opened_object *object = first, *next; object; object = next) {
        next = object->next;
        for (uint64_t i = 0; i < object->initializer_count; i++)
            __construct(object->initializers[i]);
        object->next = constructed;
        constructed = object;
    }
}

/* It is in no list while its destructors run. */
static void destruct(struct opened_object **at)
{
    struct opened_object *object = *at;
    *at = object->next;
    for (uint64_t i = 0; i < object->finalizer_count; i++)
        ((procedure *)(uintptr_t)object->finalizers[i])();
    __libc_free(object);
}

void __opened_destruct(uint64_t handle)
{
    for (struct opened_object **at = &constructed; *at; at = &(*at)->next)
        if ((*at)->handle == handle) {
            destruct(at);
            return;
        }
}

void __opened_destruct_all(void)
{
    while (constructed)
        destruct(&constructed);
}
