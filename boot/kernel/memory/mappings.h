/* The mappings of an address space: a list by ascending addresses and, as soon as they are more than MAPPINGS_FEW, an AVL
 * tree over it, in which each mapping knows the largest gap between those below it. So a place or a gap is found, and a
 * mapping made and taken away, in at most so many steps as a short list has, or as the tree is high: 1.44 times the binary
 * logarithm of their count. Nothing here is recursive. */
#ifndef MEMORY_MAPPINGS_H
#define MEMORY_MAPPINGS_H
#include <stdbool.h>

#include "memory/memory.h"

/* For so many the list is cheaper; most programs have no more. */
#ifndef MAPPINGS_FEW /* a test may have the tree sooner */
#define MAPPINGS_FEW 64
#endif

enum side { LOWER, HIGHER };

struct mapping {
    struct mapping *next;
    struct mapping *child[2], *parent; /* in the tree; child: by side */
    uint64_t start, end;
    uint64_t gap;     /* bytes before it that are not mapped, from the end of the mapping before it, or from address 0 */
    uint64_t largest; /* gap of those below it in the tree, and its own */
    struct memory *memory;
    uint64_t offset;
    uint64_t era;     /* of the space when it was made: struct space_progress */
    uint8_t height;   /* of the tree from it downwards; 1: nothing is below it */
    uint8_t prot;
    uint8_t max_prot; /* what it may be given: no more than the handle allowed that it was made with */
    bool is_partial;  /* a call in steps may not have come to all of its pages: not made them, or not protected them */
};

struct mappings {
    struct mapping *first, *root; /* root: NULL while there are few */
    uint64_t count;
    struct mapping *before, *after; /* the place that was looked up last: neighbours, NULL at an end; both NULL: none */
};

/* The first mapping that ends after an address, NULL: none. The place is remembered: a look-up there does not search. */
struct mapping *mappings_find(struct mappings *mappings, uint64_t address);
/* The lowest address from `low` on behind which so much is not mapped; it may be too close to the end of user space. */
uint64_t mappings_find_gap(struct mappings *mappings, uint64_t low, uint64_t size);
/* `mapping` has start and end, and no other has any of that; mappings_find(start) was the last thing done. */
void mappings_add(struct mappings *mappings, struct mapping *mapping);
void mappings_remove(struct mappings *mappings, struct mapping *mapping);
/* The part of a mapping below `start` goes; some is left. */
void mappings_cut(struct mappings *mappings, struct mapping *mapping, uint64_t start);
/* Take the first one away; after that nothing else may be done here. NULL: there is none any more, and it is as at first. */
struct mapping *mappings_take(struct mappings *mappings);
#endif
