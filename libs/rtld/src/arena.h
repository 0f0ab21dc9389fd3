/* Memory that is given back as a whole. */
#ifndef RTLD_ARENA_H
#define RTLD_ARENA_H
#include <rtld/ground.h>
#include <stddef.h>

struct arena {
    struct arena *previous; /* the block before this one */
    uint64_t size, used;    /* bytes of this block, with this header */
    size_t modules;         /* first block only: objects that live in the chain */
    struct arena *newest;   /* first block only */
};

/* `count` zeroed records of `size` bytes, aligned for any type; NULL after a report. */
void *arena_alloc(struct ground *ground, struct arena **arena, uint64_t count, size_t size);
#endif
