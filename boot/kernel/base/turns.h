/* Turns at the CPU: a tree of budgets, processes and ready threads. Each node divides its turns equally among its children,
 * round robin, whatever is below those. No function has a loop over more than these levels. */
#ifndef BASE_TURNS_H
#define BASE_TURNS_H
#include <stddef.h>

struct turns {
    struct turns *parent;          /* NULL: the root */
    struct turns *next, *previous; /* a ring of the parent's children below which something is ready; others: themselves */
    struct turns *first;           /* the child whose turn it is; NULL: nothing below is ready */
};

extern struct turns turns_root;

/* A node that has nothing ready yet. */
static inline void turns_init(struct turns *node, struct turns *parent)
{
    *node = (struct turns){parent, node, node, NULL};
}

/* A thread becomes ready: it, and each node above that had nothing ready, comes after its siblings. */
void turns_add(struct turns *thread);
/* It is not ready any more: the next one of the same parent has the rest of its turn. */
void turns_remove(struct turns *thread);

/* The thread whose turn it is; NULL: none is ready. */
static inline struct turns *turns_first(void)
{
    struct turns *budget = turns_root.first;
    return budget ? budget->first->first : NULL;
}

/* The turn of that thread is over, and with it its process' and its budget's. */
static inline void turns_pass(const struct turns *thread)
{
    for (struct turns *node = thread->parent; node; node = node->parent)
        node->first = node->first->next;
}
#endif
