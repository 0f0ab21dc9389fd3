#include "rules.h"

#include <stddef.h>

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

static const char *broken_rule_of_list(const struct mapping *mapping, uint64_t end_before)
{
    if (mapping->start < end_before || mapping->start >= mapping->end)
        return "not in order";
    return mapping->gap != mapping->start - end_before ? "a gap is another one" : NULL;
}

static const char *broken_rule_of_tree(const struct mapping *mapping)
{
    uint64_t height[2] = {0}, largest = mapping->gap;
    for (enum side side = LOWER; side <= HIGHER; side++) {
        const struct mapping *child = mapping->child[side];
        if (!child)
            continue;
        if (child->parent != mapping)
            return "a child has another parent";
        if (side == HIGHER ? child->start < mapping->end : child->end > mapping->start)
            return "a child is on the other side";
        height[side] = child->height;
        largest = larger(largest, child->largest);
    }
    if (mapping->largest != largest)
        return "the largest gap is another one";
    if (mapping->height != larger(height[LOWER], height[HIGHER]) + 1)
        return "a height is another one";
    return height[LOWER] + 1 < height[HIGHER] || height[HIGHER] + 1 < height[LOWER] ? "not balanced" : NULL;
}

/* The list's order is the tree's: what comes next is the lowest on the higher side, or else the first above on whose lower
 * side this is. */
static const struct mapping *next_in_tree(const struct mapping *mapping)
{
    const struct mapping *next = mapping->child[HIGHER];
    if (next) {
        while (next->child[LOWER])
            next = next->child[LOWER];
        return next;
    }
    while (mapping->parent && mapping->parent->child[HIGHER] == mapping)
        mapping = mapping->parent;
    return mapping->parent;
}

static bool is_place(const struct mappings *mappings, const struct mapping *before, const struct mapping *after)
{
    return mappings->before == before && mappings->after == after;
}

const char *mappings_broken_rule(const struct mappings *mappings)
{
    const struct mapping *before = NULL;
    const char *rule = NULL;
    bool has_place = is_place(mappings, NULL, NULL);
    uint64_t end = 0, count = 0;
    if (mappings->root && mappings->root->parent)
        return "the root has a parent";
    for (const struct mapping *each = mappings->first; each; before = each, end = each->end, each = each->next) {
        if ((rule = broken_rule_of_list(each, end)) || (mappings->root && (rule = broken_rule_of_tree(each))))
            return rule;
        if (mappings->root && next_in_tree(each) != each->next)
            return "the tree has another order";
        has_place |= is_place(mappings, before, each);
        count++;
    }
    if (count != mappings->count || (count > MAPPINGS_FEW && !mappings->root) || (!count && mappings->root))
        return "another count";
    return has_place || is_place(mappings, before, NULL) ? NULL : "the place that was looked up is none";
}
