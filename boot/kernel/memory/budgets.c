#include "memory/budgets.h"

#include "memory/pool.h"

static void end(struct budget *budget)
{
    pool_free(budget);
}

struct budget *budget_create(struct budget *parent, const char *name, struct cost limit)
{
    if (!budget_take(parent, limit))
        return NULL;
    struct budget *budget = pool_alloc(parent, sizeof *budget);
    if (!budget) {
        budget_give(parent, limit);
        return NULL;
    }
    *budget = (struct budget){.parent = parent, .depth = parent->depth + 1, .limit = limit, .end = end};
    turns_init(&budget->own_turns, &turns_root);
    budget->turns = parent->parent ? parent->turns : &budget->own_turns;
    for (unsigned i = 0; i < sizeof budget->name - 1 && name[i]; i++)
        budget->name[i] = name[i];
    return budget;
}
