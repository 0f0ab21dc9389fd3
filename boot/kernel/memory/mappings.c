#include "memory/mappings.h"

#include <stddef.h>

static unsigned height(const struct mapping *mapping)
{
    return mapping ? mapping->height : 0;
}

static uint64_t largest(const struct mapping *mapping)
{
    return mapping ? mapping->largest : 0;
}

static enum side side_of(const struct mapping *mapping)
{
    return mapping->parent->child[HIGHER] == mapping ? HIGHER : LOWER;
}

/* What a mapping knows of its children, known anew. False: that is as before. */
static bool renew(struct mapping *mapping)
{
    const struct mapping *lower = mapping->child[LOWER], *higher = mapping->child[HIGHER];
    unsigned below = height(lower) > height(higher) ? height(lower) : height(higher);
    uint64_t gap = mapping->gap;
    gap = largest(lower) > gap ? largest(lower) : gap;
    gap = largest(higher) > gap ? largest(higher) : gap;
    if (mapping->height == below + 1 && mapping->largest == gap)
        return false;
    mapping->height = (uint8_t)(below + 1);
    mapping->largest = gap;
    return true;
}

/* Let another one, or none, hang where `mapping` does. */
static void replace(struct mappings *mappings, const struct mapping *mapping, struct mapping *by)
{
    if (mapping->parent)
        mapping->parent->child[side_of(mapping)] = by;
    else
        mappings->root = by;
    if (by)
        by->parent = mapping->parent;
}

static void hang(struct mapping *parent, enum side side, struct mapping *child)
{
    parent->child[side] = child;
    if (child)
        child->parent = parent;
}

/* Let the child on one side take the place of its parent, which goes below it on the other side: the result is the
 * child. */
static struct mapping *rotate(struct mappings *mappings, struct mapping *parent, enum side side)
{
    struct mapping *child = parent->child[side];
    replace(mappings, parent, child);
    hang(parent, side, child->child[!side]);
    hang(child, !side, parent);
    renew(parent);
    renew(child);
    return child;
}

/* One side is two higher than the other. What is in this place then. */
static struct mapping *balance(struct mappings *mappings, struct mapping *mapping)
{
    enum side high = height(mapping->child[HIGHER]) > height(mapping->child[LOWER]) ? HIGHER : LOWER;
    struct mapping *child = mapping->child[high];
    if (height(child->child[!high]) > height(child->child[high]))
        rotate(mappings, child, !high);
    return rotate(mappings, mapping, high);
}

/* In the tree a mapping's gap, or one of its children, changed: let those above know, as far as that matters to them. */
static void changed(struct mappings *mappings, struct mapping *mapping)
{
    for (; mapping; mapping = mapping->parent) {
        const unsigned height_before = mapping->height;
        const uint64_t largest_before = mapping->largest;
        int lean = (int)height(mapping->child[HIGHER]) - (int)height(mapping->child[LOWER]);
        if (lean > 1 || lean < -1)
            mapping = balance(mappings, mapping);
        else if (!renew(mapping))
            return;
        if (mapping->height == height_before && mapping->largest == largest_before)
            return;
    }
}

/* Hang a mapping into the tree, between its neighbours there, NULL at an end. */
static void attach(struct mappings *mappings, struct mapping *before, struct mapping *mapping, struct mapping *after)
{
    /* Of two neighbours one is below the other, and so the lower one has nothing on this side. */
    struct mapping *parent = before && !before->child[HIGHER] ? before : after;
    mapping->child[LOWER] = mapping->child[HIGHER] = NULL;
    mapping->height = 1;
    mapping->largest = mapping->gap;
    mapping->parent = parent;
    if (parent)
        parent->child[parent == before ? HIGHER : LOWER] = mapping;
    else
        mappings->root = mapping;
    changed(mappings, parent);
    if (after != parent)
        changed(mappings, after); /* its gap */
}

static void make_tree(struct mappings *mappings)
{
    struct mapping *before = NULL;
    for (struct mapping *each = mappings->first; each; before = each, each = each->next)
        attach(mappings, before, each, NULL);
}

/* Where a mapping is that has something on both sides, let the next one be, which has nothing on its lower side. The lowest
 * one below which something changed. */
static struct mapping *put_next_there(struct mappings *mappings, const struct mapping *mapping)
{
    struct mapping *next = mapping->next, *lowest = next;
    if (next->parent != mapping) {
        lowest = next->parent;
        replace(mappings, next, next->child[HIGHER]);
        hang(next, HIGHER, mapping->child[HIGHER]);
    }
    replace(mappings, mapping, next);
    hang(next, LOWER, mapping->child[LOWER]);
    next->height = mapping->height; /* as this place was known until now */
    next->largest = mapping->largest;
    return lowest;
}

/* Take a mapping out of the tree. The gap of the next one is what it will be. */
static void detach(struct mappings *mappings, const struct mapping *mapping)
{
    struct mapping *lowest = mapping->parent;
    if (mapping->child[LOWER] && mapping->child[HIGHER])
        lowest = put_next_there(mappings, mapping);
    else
        replace(mappings, mapping, mapping->child[mapping->child[LOWER] ? LOWER : HIGHER]);
    changed(mappings, lowest);
    if (mapping->next != lowest)
        changed(mappings, mapping->next);
}

/* The place of an address, by the tree, or by the list: from the place before on, if the address is behind that. */
static void search(struct mappings *mappings, uint64_t address)
{
    struct mapping *before = mappings->before, *after = mappings->root;
    if (!after) {
        if (before && before->end > address)
            before = NULL;
        for (after = before ? before->next : mappings->first; after && after->end <= address; after = after->next)
            before = after;
    } else {
        before = after = NULL;
        for (struct mapping *at = mappings->root; at;)
            if (at->end > address) {
                after = at;
                at = at->child[LOWER];
            } else {
                before = at;
                at = at->child[HIGHER];
            }
    }
    mappings->before = before;
    mappings->after = after;
}

struct mapping *mappings_find(struct mappings *mappings, uint64_t address)
{
    const struct mapping *before = mappings->before, *after = mappings->after;
    if ((!before && !after) || (before && before->end > address) || (after && after->end <= address))
        search(mappings, address);
    return mappings->after;
}

/* The lowest one of a tree, which has one, before which is such a gap. */
static const struct mapping *lowest_with_gap(const struct mapping *mapping, uint64_t size)
{
    for (;;)
        if (largest(mapping->child[LOWER]) >= size)
            mapping = mapping->child[LOWER];
        else if (mapping->gap >= size)
            return mapping;
        else
            mapping = mapping->child[HIGHER];
}

/* The first one after a mapping before which is such a gap, NULL: none. */
static const struct mapping *next_with_gap(const struct mapping *mapping, uint64_t size)
{
    while (mapping) {
        if (largest(mapping->child[HIGHER]) >= size)
            return lowest_with_gap(mapping->child[HIGHER], size);
        while (mapping->parent && side_of(mapping) == HIGHER)
            mapping = mapping->parent;
        mapping = mapping->parent;
        if (mapping && mapping->gap >= size)
            return mapping;
    }
    return NULL;
}

static struct mapping *last_in_tree(const struct mappings *mappings)
{
    struct mapping *last = mappings->root;
    while (last->child[HIGHER])
        last = last->child[HIGHER];
    return last;
}

uint64_t mappings_find_gap(struct mappings *mappings, uint64_t low, uint64_t size)
{
    struct mapping *before = mappings_find(mappings, low);
    if (!before || (before->start >= low && before->start - low >= size))
        return low;
    if (mappings->root) {
        const struct mapping *after = next_with_gap(before, size);
        return after ? after->start - after->gap : last_in_tree(mappings)->end;
    }
    struct mapping *after;
    while ((after = before->next) && after->gap < size)
        before = after;
    mappings->before = before;
    mappings->after = after;
    return before->end;
}

void mappings_add(struct mappings *mappings, struct mapping *mapping)
{
    struct mapping *before = mappings->before, *after = mappings->after;
    mapping->next = after;
    mapping->gap = mapping->start - (before ? before->end : 0);
    if (after)
        after->gap = after->start - mapping->end;
    *(before ? &before->next : &mappings->first) = mapping;
    mappings->before = mapping;
    mappings->count++;
    if (mappings->root)
        attach(mappings, before, mapping, after);
    else if (mappings->count > MAPPINGS_FEW)
        make_tree(mappings);
}

void mappings_remove(struct mappings *mappings, struct mapping *mapping)
{
    mappings_find(mappings, mapping->start);
    struct mapping *before = mappings->before, *next = mapping->next;
    if (next)
        next->gap += mapping->gap + (mapping->end - mapping->start);
    *(before ? &before->next : &mappings->first) = next;
    mappings->after = next;
    mappings->count--;
    if (mappings->root)
        detach(mappings, mapping);
}

void mappings_cut(struct mappings *mappings, struct mapping *mapping, uint64_t start)
{
    mapping->gap += start - mapping->start;
    mapping->offset += start - mapping->start;
    mapping->start = start;
    if (mappings->root)
        changed(mappings, mapping);
}

struct mapping *mappings_take(struct mappings *mappings)
{
    struct mapping *first = mappings->first;
    if (first)
        mappings->first = first->next;
    else
        *mappings = (struct mappings){0};
    return first;
}
