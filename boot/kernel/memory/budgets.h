/* Budgets that are made of others. */
#ifndef MEMORY_BUDGETS_H
#define MEMORY_BUDGETS_H
#include "base/budget.h"

/* A budget that no process has joined yet; `limit` is taken from the parent, which pays for the record too. It ends when
 * the last process has left it and all is given back that was taken; one that no process joins: by budget_join and
 * budget_leave. NULL: that is more than the parent has left, or there is no memory. */
struct budget *budget_create(struct budget *parent, const char *name, struct cost limit);
#endif
