#include "base/budget.h"

#include <stddef.h>

#include "base/log.h"
#include "base/page.h"

struct budget root_budget = {
    .processes = 1, /* the kernel, which keeps it */
    .turns = &root_budget.own_turns,
    .own_turns = {&turns_root, &root_budget.own_turns, &root_budget.own_turns, NULL},
    .name = "the machine",
};

const struct budget *budget_short;

/* What is given back to a budget that no process uses goes on to the one that it was made of. */
bool budget_helps(const struct budget *budget)
{
    while (budget != budget_short && !budget->processes && budget->parent)
        budget = budget->parent;
    return !budget_short || budget == budget_short;
}

/* Logged only of budgets that the system gave: the others' are their makers' to care for. */
__attribute__((cold)) bool budget_refuse(struct budget *budget, struct cost cost)
{
    budget_short = budget;
    if (budget->was_logged || (budget->parent && budget->parent->parent))
        return false;
    budget->was_logged = true;
    const char *what = "memory";
    uint64_t used = budget->used.pages * (PAGE_SIZE / 1024), limit = budget->limit.pages * (PAGE_SIZE / 1024),
             wanted = cost.pages * (PAGE_SIZE / 1024);
    if (cost.pages <= budget->limit.pages - budget->used.pages) {
        what = "kernel memory";
        used = budget->used.bytes / 1024;
        limit = budget->limit.bytes / 1024;
        wanted = (cost.bytes + 1023) / 1024;
    }
    log_format("kernel: %s: its budget of %s is used up: it has %u KiB of %u KiB, and wants %u more\n", budget->name, what, used,
               limit, wanted);
    return false;
}

static void end_if_unused(struct budget *budget)
{
    if (!budget->processes && !budget->used.pages && !budget->used.bytes)
        budget->end(budget);
}

/* Give so much of what was reserved back to the parent. */
static void give_back(struct budget *budget, struct cost cost)
{
    budget->limit.pages -= cost.pages;
    budget->limit.bytes -= cost.bytes;
    budget_give(budget->parent, cost);
}

void budget_shrink(struct budget *budget, struct cost cost)
{
    give_back(budget, cost);
    end_if_unused(budget);
}

void budget_join(struct budget *budget)
{
    budget->processes++;
}

void budget_leave(struct budget *budget)
{
    if (--budget->processes)
        return;
    const struct cost unused = {budget->limit.pages - budget->used.pages, budget->limit.bytes - budget->used.bytes};
    give_back(budget, unused);
    end_if_unused(budget);
}
