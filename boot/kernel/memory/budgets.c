#include "memory/budgets.h"

#include "memory/pool.h"

static const struct cost record = {.bytes = sizeof(struct budget)};

static void end(struct budget *budget)
{
    struct budget *parent = budget->parent;
    pool_free(budget, sizeof *budget);
    budget_give(parent, record);
}

struct budget *budget_create(struct budget *parent, const char *name, struct cost limit)
{
    const struct cost all = {limit.pages, limit.bytes + record.bytes};
    if (limit.bytes > parent->limit.bytes || !budget_take(parent, all))
        return NULL;
    struct budget *budget = pool_alloc(sizeof *budget);
    if (!budget) {
        budget_give(parent, all);
        return NULL;
    }
    *budget = (struct budget){.parent = parent, .depth = parent->depth + 1, .limit = limit, .end = end};
    turns_init(&budget->own_turns, &turns_root);
    budget->turns = parent->parent ? parent->turns : &budget->own_turns;
    for (unsigned i = 0; i < sizeof budget->name - 1 && name[i]; i++)
        budget->name[i] = name[i];
    return budget;
}
