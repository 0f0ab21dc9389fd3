/* Budgets: what a process may take of the machine's memory, and what it has taken.
 *
 * A budget has two accounts. Pages: frames for memory objects, page tables and tables of handles. Bytes: slabs of the
 * kernel's pool (memory/pool.h), each a frame too, for objects, mappings and lists; and the records of budgets that are
 * made of it. So the frames that a budget holds are those that it was charged for. What a process causes is charged to
 * its budget; so is what is made for it by who may manage it. Processes that it makes share its budget, or get budgets
 * that are made of it.
 *
 * What a budget may take is reserved: it is taken from the budget that it was made of, up to the root, which has what
 * the machine has. So a budget that is not used up can be used, whatever others do; and one that is used up stops those
 * alone that use it. A budget NULL is the kernel's own, for what it needs for a time: it has no limit.
 *
 * So it is with the CPU: budgets that the machine gave have equal shares of it, and so have the processes of each, and
 * the threads of each process. A budget that a program makes shares the turns of what it was made of: so making more
 * buys nothing. */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H
#include <ambilink/abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/turns.h"

/* So the way up to the root, which giving back may take, is short. */
#define BUDGET_DEPTH_MAX 16
#define SLAB_CLASSES 5 /* sizes of records, for each of which a budget has slabs */

struct cost {
    uint64_t pages, bytes;
};

struct budget {
    struct budget *parent;              /* what it was made of; NULL: the root */
    struct cost limit, used;
    unsigned depth;                     /* how many it is made of, one of another: at most BUDGET_DEPTH_MAX */
    uint64_t processes;                 /* that use it. Without any it shrinks to what is used, and gives the rest back */
    struct turns *turns, own_turns;     /* at the CPU, of its processes: its own, or those of the one that it was made of */
    void (*end)(struct budget *budget); /* called when no process uses it and nothing of it is used */
    struct slab *slabs[SLAB_CLASSES];   /* the pool's: its own that have a free piece, by size */
    bool was_logged;                    /* that it is used up */
    char name[PROCESS_NAME_MAX];        /* of the process that it was made for */
};

/* Of the machine; services_start says what it has. */
extern struct budget root_budget;

/* The one that the machine gave, of which it is a part: itself, or what it was made of. */
static inline const struct budget *budget_given(const struct budget *budget)
{
    while (budget->depth > 1)
        budget = budget->parent;
    return budget;
}

/* The rest of budget_take and budget_give, where they are not done at once. */
bool budget_refuse(struct budget *budget, struct cost cost);
void budget_shrink(struct budget *budget, struct cost cost);

/* False: that is more than is left, which is logged once, and nothing was taken. */
static inline bool budget_take(struct budget *budget, struct cost cost)
{
    if (!budget)
        return true;
    if (cost.pages > budget->limit.pages - budget->used.pages || cost.bytes > budget->limit.bytes - budget->used.bytes)
        return budget_refuse(budget, cost);
    budget->used.pages += cost.pages;
    budget->used.bytes += cost.bytes;
    return true;
}

/* What was taken. The budget may end with it. */
static inline void budget_give(struct budget *budget, struct cost cost)
{
    if (!budget)
        return;
    budget->used.pages -= cost.pages;
    budget->used.bytes -= cost.bytes;
    if (!budget->processes)
        budget_shrink(budget, cost);
}

/* The budget that refused something last, for it has too little left; NULL: none did. For who begins a call to set. */
extern const struct budget *budget_short;
/* True: giving back what was taken of this budget would be of use there, or where frames are missing. */
bool budget_helps(const struct budget *budget);

/* A process uses it, or does not any more. */
void budget_join(struct budget *budget);
void budget_leave(struct budget *budget);
#endif
