#include "base/heap.h"

#include <stdbool.h>
#include <stddef.h>

static unsigned rank(const struct heap_node *node)
{
    return node ? node->rank : 0;
}

/* Its children changed. True: so did its rank. */
static bool balance(struct heap_node *node)
{
    struct heap_node *left = node->left;
    const unsigned before = node->rank;
    if (rank(left) < rank(node->right)) {
        node->left = node->right;
        node->right = left;
    }
    node->rank = rank(node->right) + 1;
    return node->rank != before;
}

/* One heap of two, along their right edges; its root has no parent. */
static struct heap_node *merge(struct heap_node *a, struct heap_node *b)
{
    struct heap_node *root = NULL, **link = &root, *parent = NULL;
    while (a && b) {
        struct heap_node *less = b->key < a->key ? b : a;
        *(less == a ? &a : &b) = less->right;
        *link = less;
        less->parent = parent;
        parent = less;
        link = &less->right;
    }
    struct heap_node *rest = a ? a : b;
    *link = rest;
    if (rest)
        rest->parent = parent;
    for (; parent; parent = parent->parent)
        balance(parent);
    return root;
}

void heap_add(struct heap *heap, struct heap_node *node, uint64_t key)
{
    *node = (struct heap_node){.key = key, .rank = 1};
    heap->least = merge(heap->least, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *parent = node->parent, *rest = merge(node->left, node->right);
    if (rest)
        rest->parent = parent;
    *(!parent ? &heap->least : parent->left == node ? &parent->left : &parent->right) = rest;
    while (parent && balance(parent))
        parent = parent->parent;
}
