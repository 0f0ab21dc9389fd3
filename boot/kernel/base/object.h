/* What every object of the kernel begins with: its type, and the references that keep it.
 *
 * Ownership, in the whole kernel:
 *   - What a function makes for its caller carries one reference, and the caller releases it.
 *   - A function that keeps an object which it was handed retains it itself.
 *   - A function that fails undoes what it did: what it made is given back, what it was handed is as it was, and
 *     out-parameters are untouched. So a caller releases only what calls that succeeded gave it.
 *     Functions that prepare a process in steps say that they do not: such a process is given up as a whole. */
#ifndef BASE_OBJECT_H
#define BASE_OBJECT_H
#include <stdbool.h>
#include <stdint.h>

/* One for each kind of object; its address is the kind's identity. */
struct object_type {
    /* The last reference went: a step of the object's end, within what work_left allows. True: all that it had was
     * given back, and it is no more. False: to be called again, after other objects may have ended. */
    bool (*destroy)(void *object);
    void (*handle_made)(void *object, uint32_t rights);   /* NULL: the object does not count handles */
    void (*handle_closed)(void *object, uint32_t rights); /* likewise */
    /* While objects_are_reached: what runs can come to this object, or could until a moment ago. NULL: nothing
     * follows. */
    void (*reached)(void *object);
};

struct object {
    const struct object_type *type;
    uint64_t references; /* 0: it is dying */
    struct object *next_dying;
};

/* A collection marks what is reached (process/collect.h). Until it is done, code that makes an object reachable
 * calls object_reached. */
extern bool objects_are_reached;

static inline void object_reached(void *pointer)
{
    struct object *object = pointer;
    if (objects_are_reached && object->type->reached)
        object->type->reached(object);
}

/* The rest of object_release. */
void object_die(struct object *object);

static inline void object_retain(void *pointer)
{
    struct object *object = pointer;
    object->references++;
}

/* With the last reference the object is dying: nothing leads to it, and objects_destroy ends it. So an end costs its
 * releaser nothing, however many objects end with it, and however they hold each other. */
static inline void object_release(void *pointer)
{
    struct object *object = pointer;
    if (--object->references == 0)
        object_die(object);
}

/* End dying objects, within what work_left allows. */
void objects_destroy(void);

/* The machine itself: behind handles to the log, the power switch and the start of services. It has no end. */
extern const struct object_type system_type;
extern struct object system_object;
#endif
