/* Objects that came by dlopen: their constructors, and their destructors, which run once, when the object goes or at
 * exit. */
#ifndef C_OPENED_H
#define C_OPENED_H
#include <features.h>
#include <stdbool.h>
#include <stdint.h>

#include <protocol/loader.h>

struct opened_object;

/* Call an initializer with the program's arguments, count and environment, as glibc and LSB have it; others ignore them. */
hidden void __construct(uint64_t function);

/* Records of the objects of one dlopen, in the order of their start; `functions`: of each its initializers, which must
 * stay until __opened_construct, then its finalizers. False: no memory. */
hidden bool __opened_prepare(struct opened_object **first, const struct loader_object *objects, uint64_t count,
                             const uint64_t *functions);
/* Run the constructors. An object whose constructors returned is constructed: exit runs its destructors. */
hidden void __opened_construct(struct opened_object *first);
/* Run the destructors of an object that goes. */
hidden void __opened_destruct(uint64_t handle);
/* Run those of all objects, the last constructed first. */
hidden void __opened_destruct_all(void);
#endif
