#include <stdlib.h>
#include <system/call.h>

#include "tree.h"

/* Who waits for a lock that another has. */
struct waiter {
    struct waiter *next;
    const struct node *node;
    struct owner *owner;
    uint64_t client, blocker;
    handle_t endpoint;
};
static struct waiter *waiters;

static void drop_waiter(struct waiter **link)
{
    struct waiter *waiter = *link;
    *link = waiter->next;
    sys_handle_close(waiter->endpoint);
    waiter->owner->waits--;
    free(waiter);
}

static void wake(const struct node *node)
{
    for (struct waiter **link = &waiters; *link;) {
        if ((*link)->node != node) {
            link = &(*link)->next;
            continue;
        }
        sys_endpoint_signal((*link)->endpoint, 1);
        drop_waiter(link);
    }
}

/* Of threads that ended, or wait no more. */
static void forget_gone(void)
{
    for (struct waiter **link = &waiters; *link;)
        if (sys_endpoint_signal((*link)->endpoint, 0) != STATUS_OK)
            drop_waiter(link);
        else
            link = &(*link)->next;
}

static bool waits_for(uint64_t client, uint64_t other, unsigned steps)
{
    for (const struct waiter *each = waiters; each && steps; each = each->next)
        if (each->client == client && (each->blocker == other || waits_for(each->blocker, other, steps - 1)))
            return true;
    return false;
}

int64_t lock_wait(struct open *open, uint64_t blocker, handle_t endpoint)
{
    forget_gone();
    if (blocker != open->client && waits_for(blocker, open->client, 8))
        return TMP_DEADLOCK;
    struct waiter *waiter = open->owner->waits < WAITS_OF_OWNER ? calloc(1, sizeof *waiter) : NULL;
    if (!waiter)
        return STATUS_LIMIT;
    *waiter = (struct waiter){waiters, open->node, open->owner, open->client, blocker, endpoint};
    waiters = waiter;
    open->owner->waits++;
    return STATUS_OK;
}

static bool is_own(const struct lock *lock, const struct open *open, bool is_whole)
{
    return is_whole ? lock->open == open : !lock->open && lock->client == open->client;
}

int64_t lock_test(const struct open *open, struct lock_wish *wish)
{
    if (wish->kind == TMP_UNLOCK)
        return STATUS_OK;
    for (const struct lock *each = open->node->locks; each; each = each->next) {
        const bool is_same_sort = !each->open == !wish->is_whole, meets = each->start <= wish->last && wish->start <= each->last;
        if (!is_same_sort || !meets || is_own(each, open, wish->is_whole) || (wish->kind == TMP_LOCK_SHARED && !each->is_exclusive))
            continue;
        wish->kind = each->is_exclusive ? TMP_LOCK_EXCLUSIVE : TMP_LOCK_SHARED;
        wish->start = each->start;
        wish->last = each->last;
        wish->client = each->client;
        return TMP_LOCKED;
    }
    return STATUS_OK;
}

/* Counted, and in no list. */
static struct lock *make(struct open *open, bool is_whole)
{
    struct lock *lock = calloc(1, sizeof *lock);
    if (lock)
        *lock = (struct lock){.owner = open->owner, .client = open->client, .open = is_whole ? open : NULL};
    open->owner->locks += lock != NULL;
    return lock;
}

static void give_up(struct lock *lock)
{
    if (lock)
        lock->owner->locks--;
    free(lock);
}

static void set(struct open *open, struct lock *lock, uint64_t start, uint64_t last, bool is_exclusive)
{
    lock->start = start;
    lock->last = last;
    lock->is_exclusive = is_exclusive;
    lock->next = open->node->locks;
    open->node->locks = lock;
}

static void drop(struct lock **link)
{
    struct lock *lock = *link;
    *link = lock->next;
    give_up(lock);
}

/* Own locks are not in the range any more; of one around it `spare` is the part behind. */
static void cut(struct open *open, const struct lock_wish *wish, struct lock **spare)
{
    for (struct lock **link = &open->node->locks; *link;) {
        struct lock *each = *link;
        const bool begins_before = each->start < wish->start, ends_behind = each->last > wish->last;
        if (!is_own(each, open, wish->is_whole) || each->start > wish->last || each->last < wish->start) {
            link = &each->next;
            continue;
        }
        if (!begins_before && !ends_behind) {
            drop(link);
            continue;
        }
        if (begins_before && ends_behind) { /* then there is no other in the range */
            set(open, *spare, wish->last + 1, each->last, each->is_exclusive);
            *spare = NULL;
            each->last = wish->start - 1;
            return;
        }
        if (begins_before)
            each->last = wish->start - 1;
        else
            each->start = wish->last + 1;
        link = &each->next;
    }
}

/* Locks that touch and are alike are one. */
static void join(const struct open *open, struct lock *made, bool is_whole)
{
    for (struct lock **link = &open->node->locks; *link;) {
        const struct lock *each = *link;
        const bool touches = (made->start && each->last == made->start - 1) || (each->start && made->last == each->start - 1);
        if (each == made || !is_own(each, open, is_whole) || each->is_exclusive != made->is_exclusive || !touches) {
            link = &(*link)->next;
            continue;
        }
        made->start = each->start < made->start ? each->start : made->start;
        made->last = each->last > made->last ? each->last : made->last;
        drop(link);
    }
}

int64_t lock_set(struct open *open, struct lock_wish *wish)
{
    const int64_t status = lock_test(open, wish);
    if (status != STATUS_OK)
        return status;
    /* What may be needed comes first, so that nothing fails in the middle. */
    const bool adds = wish->kind != TMP_UNLOCK, may = !adds || open->owner->locks < LOCKS_OF_OWNER;
    struct lock *spare = may ? make(open, wish->is_whole) : NULL, *made = may && adds ? make(open, wish->is_whole) : NULL;
    if (!spare || (adds && !made)) {
        give_up(spare);
        give_up(made);
        return STATUS_LIMIT;
    }
    cut(open, wish, &spare);
    give_up(spare);
    if (made) {
        set(open, made, wish->start, wish->last, wish->kind == TMP_LOCK_EXCLUSIVE);
        join(open, made, wish->is_whole);
    }
    wake(open->node);
    return STATUS_OK;
}

void locks_closed(const struct open *open, struct node *node)
{
    bool has_other = false;
    for (const struct open *each = open->owner->opens; each < open->owner->opens + OPENS_OF_OWNER; each++)
        has_other |= each->node == node && each->client == open->client;
    for (struct lock **link = &node->locks; *link;)
        if ((*link)->open ? (*link)->open == open : !has_other && (*link)->client == open->client)
            drop(link);
        else
            link = &(*link)->next;
    wake(node);
}
