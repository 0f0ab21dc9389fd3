#include "object/futex.h"

#include <stddef.h>

#include "base/work.h"
#include "memory/user.h"

/* Where those that wait for a word are found. */
struct place {
    struct trie *trie;
    uint64_t key;
    struct memory *memory; /* NULL: the process' own */
};

static uint64_t tickets; /* that were given */

static struct waiter *waiter_of(struct trie_node *node)
{
    return (struct waiter *)((uint8_t *)node - offsetof(struct waiter, node));
}

static struct thread *thread_of(struct waiter *waiter)
{
    return (struct thread *)((uint8_t *)waiter - offsetof(struct thread, waiter));
}

static int64_t find_place(struct thread *thread, struct futex futex, struct place *place)
{
    if (futex.address % sizeof(uint32_t))
        return STATUS_INVALID;
    if (futex.address >= PROCESS_HIGHEST_ADDRESS)
        return STATUS_BAD_ADDRESS;
    *place = (struct place){&thread->share->waiters, futex.address, NULL};
    if (!futex.is_shared)
        return STATUS_OK;
    const struct mapping *mapping = mappings_find(&thread->space->mappings, futex.address);
    if (!mapping || mapping->start > futex.address)
        return STATUS_BAD_ADDRESS;
    struct memory *memory = mapping->memory;
    *place = (struct place){&memory->waiters, mapping->offset + (futex.address - mapping->start), memory};
    return STATUS_OK;
}

static struct waiter *first_at(const struct place *place)
{
    struct trie_node *node = trie_find(place->trie, place->key);
    return node ? waiter_of(node) : NULL;
}

static void add(const struct place *place, struct waiter *waiter)
{
    struct waiter *first = first_at(place);
    waiter->ticket = ++tickets;
    waiter->memory = place->memory;
    if (place->memory) {
        object_retain(place->memory);
        thread_of(waiter)->share->sleepers++;
    }
    if (!first) {
        waiter->next = waiter->previous = waiter;
        trie_add(place->trie, &waiter->node, place->key);
        return;
    }
    waiter->next = first;
    waiter->previous = first->previous;
    first->previous->next = waiter;
    first->previous = waiter;
    waiter->node.link = NULL;
}

void waiter_remove(struct waiter *waiter)
{
    struct waiter *next = waiter->next;
    if (next == waiter) {
        trie_remove(&waiter->node);
    } else {
        if (waiter->node.link)
            trie_replace(&waiter->node, &next->node);
        next->previous = waiter->previous;
        waiter->previous->next = next;
    }
    waiter->next = NULL;
    thread_of(waiter)->lock_word = 0;
    if (waiter->memory) {
        object_release(waiter->memory);
        thread_of(waiter)->share->sleepers--;
    }
}

int64_t futex_wait(struct futex futex, uint32_t value)
{
    struct thread *thread = current_thread;
    struct place place;
    uint32_t found;
    const int64_t status = find_place(thread, futex, &place);
    if (status != STATUS_OK)
        return status;
    if (!user_read(thread->space, &found, futex.address, sizeof found))
        return STATUS_BAD_ADDRESS;
    if (found != value)
        return STATUS_CHANGED;
    thread_wait(thread, NULL, THREAD_WAITING);
    add(&place, &thread->waiter);
    return STATUS_OK;
}

/* The first that waits and came no later; one whose process ended does not count. NULL: none, or work ran out. */
static struct waiter *next_waiter(const struct place *place, uint64_t ticket)
{
    for (;;) {
        struct waiter *waiter = first_at(place);
        if (!waiter || waiter->ticket > ticket || !work_left)
            return NULL;
        work_did(1);
        if (!thread_of(waiter)->handles->closed)
            return waiter;
        thread_set_aside(thread_of(waiter));
    }
}

/* Of a call in steps: whose turn it is, those that came before it began, and how many it has seen to. */
static struct progress *begin(void)
{
    struct progress *progress = thread_keep_progress();
    if (!progress->address)
        progress->address = tickets + 1; /* never 0 */
    return progress;
}

/* False: work ran out. */
static bool wake_until(const struct place *place, uint64_t count, struct progress *progress)
{
    while (progress->index < count) {
        struct waiter *waiter = next_waiter(place, progress->address - 1);
        if (!waiter)
            return work_left;
        progress->index++;
        thread_wake(thread_of(waiter), STATUS_OK);
    }
    return true;
}

int64_t futex_wake(struct futex futex, uint64_t count)
{
    struct place place;
    const int64_t status = find_place(current_thread, futex, &place);
    if (status != STATUS_OK || !first_at(&place))
        return status != STATUS_OK || !current_thread->progress ? status : (int64_t)current_thread->progress->index;
    struct progress *progress = begin();
    return wake_until(&place, count, progress) ? (int64_t)progress->index : CALL_AGAIN;
}

int64_t futex_requeue(struct futex from, uint64_t count, struct futex to, uint64_t moved)
{
    struct place place, other;
    int64_t status = find_place(current_thread, from, &place);
    if (status == STATUS_OK)
        status = find_place(current_thread, to, &other);
    if (status != STATUS_OK)
        return status;
    const uint64_t all = count + moved < count ? UINT64_MAX : count + moved;
    struct progress *progress = begin();
    if (!wake_until(&place, count, progress))
        return CALL_AGAIN;
    while (progress->index >= count && progress->index < all) {
        struct waiter *waiter = next_waiter(&place, progress->address - 1);
        if (!waiter)
            return work_left ? (int64_t)progress->index : CALL_AGAIN;
        progress->index++;
        waiter_remove(waiter);
        add(&other, waiter);
    }
    return (int64_t)progress->index;
}

#define CHAIN_MAX 16 /* threads that wait for each other's locks, of which each inherits */

static uint32_t number_of(const struct thread *thread)
{
    return (uint32_t)thread->record.number & FUTEX_OWNER;
}

/* The thread of the same process that has what a word says is its lock; NULL: none, or one elsewhere. */
static struct thread *owner_at(const struct thread *thread, uint64_t address)
{
    uint32_t word;
    if (!address || !user_read(thread->space, &word, address, sizeof word))
        return NULL;
    return thread_by_number(thread->share, word & FUTEX_OWNER);
}

/* The lock, and what its word is. */
static int64_t find_lock(struct futex futex, struct place *place, uint32_t *word)
{
    const int64_t status = find_place(current_thread, futex, place);
    if (status != STATUS_OK)
        return status;
    return user_read(current_thread->space, word, futex.address, sizeof *word) ? STATUS_OK : STATUS_BAD_ADDRESS;
}

/* False: the chain of owners leads back. */
static bool owners_lead_on(const struct thread *thread, const struct thread *owner)
{
    for (unsigned i = 0; owner && i < CHAIN_MAX; i++, owner = owner_at(owner, owner->lock_word))
        if (owner == thread)
            return false;
    return true;
}

/* What a lock passes on: no more than the process may have, for a priority that a caller lent it ends with that call. */
static unsigned passed_on(const struct thread *thread)
{
    return thread->priority < thread->share->priority_max ? thread->priority : thread->share->priority_max;
}

static void inherit(const struct thread *thread, struct thread *owner)
{
    const unsigned priority = passed_on(thread);
    for (unsigned i = 0; owner && i < CHAIN_MAX && owner->priority < priority; i++) {
        thread_inherit_priority(owner, priority);
        owner = owner_at(owner, owner->lock_word);
    }
}

int64_t futex_lock(struct futex futex)
{
    struct thread *thread = current_thread;
    struct place place;
    uint32_t word;
    const int64_t status = find_lock(futex, &place, &word);
    if (status != STATUS_OK)
        return status;
    const bool is_free = !(word & FUTEX_OWNER);
    const uint32_t next = is_free ? number_of(thread) | (word & ~FUTEX_OWNER) : word | FUTEX_WAITERS;
    struct thread *owner = is_free ? NULL : thread_by_number(thread->share, word & FUTEX_OWNER);
    if (!is_free && !owner && !futex.is_shared)
        return STATUS_PEER_GONE;
    if (!owners_lead_on(thread, owner))
        return STATUS_OVERLAP;
    if (!user_write(thread->space, futex.address, &next, sizeof next))
        return STATUS_BAD_ADDRESS;
    if (is_free)
        return STATUS_OK;
    if (owner && !(word & FUTEX_WAITERS))
        owner->contested++;
    thread_wait(thread, NULL, THREAD_WAITING);
    add(&place, &thread->waiter);
    thread->lock_word = futex.address;
    inherit(thread, owner);
    return STATUS_OK;
}

int64_t futex_unlock(struct futex futex)
{
    struct thread *thread = current_thread;
    struct place place;
    uint32_t word;
    const int64_t status = find_lock(futex, &place, &word);
    if (status != STATUS_OK)
        return status;
    if ((word & FUTEX_OWNER) != number_of(thread))
        return STATUS_NO_RIGHT;
    struct waiter *waiter = next_waiter(&place, UINT64_MAX);
    if (!waiter && !work_left)
        return CALL_AGAIN;
    struct thread *next = waiter ? thread_of(waiter) : NULL;
    const bool others = waiter && waiter->next != waiter;
    const uint32_t after = (next ? number_of(next) : 0) | (others ? FUTEX_WAITERS : 0);
    if (!user_write(thread->space, futex.address, &after, sizeof after))
        return STATUS_BAD_ADDRESS;
    if (next) {
        thread_wake(next, STATUS_OK);
        next->contested += others;
        if (others && next->share == thread->share)
            thread_inherit_priority(next, passed_on(thread));
    }
    if (word & FUTEX_WAITERS && thread->contested) {
        thread->contested--;
        thread_restore_priority(thread);
    }
    return STATUS_OK;
}

/* Of Linux' struct robust_list_head: the first entry, each of which leads to the next; from an entry to its word; and an entry
 * that was just being added or taken away. */
struct lock_list {
    uint64_t first;
    int64_t offset;
    uint64_t pending;
};

static void abandon(struct thread *thread, uint64_t address)
{
    uint32_t word;
    struct place place;
    if (!user_read(thread->space, &word, address, sizeof word) || (word & FUTEX_OWNER) != number_of(thread))
        return;
    const uint32_t next = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (!user_write(thread->space, address, &next, sizeof next))
        return;
    struct waiter *waiter = find_place(thread, (struct futex){address, true}, &place) == STATUS_OK ? first_at(&place) : NULL;
    if (waiter)
        thread_wake(thread_of(waiter), STATUS_OK);
}

bool futex_abandon(struct thread *thread)
{
    struct lock_list list;
    if (!thread->lock_list || !user_read(thread->space, &list, thread->lock_list, sizeof list))
        return true;
    if (!thread->lock_list_at) {
        thread->lock_list_at = list.first;
        abandon(thread, list.pending + (uint64_t)list.offset);
    }
    while (thread->lock_list_at != thread->lock_list && thread->lock_list_count++ < FUTEX_LIST_MAX) {
        if (!work_left)
            return false;
        work_did(1);
        abandon(thread, thread->lock_list_at + (uint64_t)list.offset);
        if (!user_read(thread->space, &thread->lock_list_at, thread->lock_list_at, sizeof(uint64_t)))
            break;
    }
    return true;
}

int64_t futex_leave(struct thread *thread)
{
    static const uint32_t zero;
    const uint64_t address = thread->exit_word;
    if (!address || address % sizeof zero || !user_write(thread->space, address, &zero, sizeof zero))
        return STATUS_OK;
    for (unsigned is_shared = 0; is_shared < 2; is_shared++) {
        struct place place;
        if (find_place(thread, (struct futex){address, is_shared}, &place) != STATUS_OK)
            continue;
        struct waiter *waiter = next_waiter(&place, UINT64_MAX);
        if (!work_left)
            return CALL_AGAIN;
        if (waiter)
            thread_wake(thread_of(waiter), STATUS_OK);
    }
    return STATUS_OK;
}
