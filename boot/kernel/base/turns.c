#include "base/turns.h"

struct turns turns_root;

void turns_add(struct turns *node)
{
    for (struct turns *parent; (parent = node->parent); node = parent) {
        struct turns *first = parent->first;
        if (first) {
            node->next = first;
            node->previous = first->previous;
            first->previous->next = node;
            first->previous = node;
            return;
        }
        parent->first = node;
    }
}

void turns_remove(struct turns *node)
{
    for (struct turns *parent; (parent = node->parent); node = parent) {
        struct turns *next = node->next;
        if (next != node) {
            next->previous = node->previous;
            node->previous->next = next;
            if (parent->first == node)
                parent->first = next;
            node->next = node->previous = node;
            return;
        }
        parent->first = NULL;
    }
}
