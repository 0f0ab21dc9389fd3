/* A queue by keys, the least first: a leftist heap. Its nodes lie in what waits, so that nothing can fail. Each function
 * takes at most about log2 of the number of nodes in steps, in any case. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include <stdint.h>

struct heap_node {
    struct heap_node *parent, *left, *right;
    uint64_t key;
    unsigned rank; /* nodes on the way down to the right, which is never longer than another way down */
};

struct heap {
    struct heap_node *least; /* NULL: it is empty */
};

void heap_add(struct heap *heap, struct heap_node *node, uint64_t key);
/* A node that is in the heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
#endif
