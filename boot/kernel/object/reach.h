/* Marks of a collection (process/collect.h): what it reached, and what of that it has not followed yet. */
#ifndef OBJECT_REACH_H
#define OBJECT_REACH_H
#include <stdint.h>

#include "base/object.h"

/* Part of each object that leads to others. */
struct reach {
    uint64_t collection; /* the last one that reached the object */
    void *object;
    struct reach *next;  /* of those to be followed */
};

/* A collection begins: nothing is reached. From now on object_reached calls objects' `reached`. */
void reach_begin(void);
void reach_end(void);
/* An object is reached, whose mark is given: true, the first time; it is kept until it was followed. */
bool reach_first(struct reach *reach, void *object);
/* A new object: reached by its maker, and leading to nothing. */
void reach_new(struct reach *reach);
bool is_reached(const struct reach *reach);
/* The next object to be followed, the caller's to release; NULL: there is none. */
struct object *reach_take(void);
#endif
