#include "end.h"

#include <poll.h>
#include <protocol/call.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define BADGE_END (1ull << 63) /* with index and generation */
#define INDEX_BITS 16

static struct end *ends[ENDS]; /* made when they are first used, and used again */
static unsigned end_count;     /* that are there */
static handle_t served;

void ends_serve_at(handle_t endpoint)
{
    served = endpoint;
}

struct end *end_of_badge(uint64_t badge)
{
    const uint64_t index = badge & ((1u << INDEX_BITS) - 1);
    struct end *end = badge & BADGE_END && index < end_count ? ends[index] : NULL;
    return end && end->kind && end->generation == (uint32_t)(badge >> INDEX_BITS) ? end : NULL;
}

struct end *end_find(const void *key, size_t size)
{
    for (unsigned i = 0; i < end_count; i++)
        if (ends[i]->kind && ends[i]->key_size && ends[i]->key_size == size && !memcmp(ends[i]->key, key, size))
            return ends[i];
    return NULL;
}

int64_t end_make(struct owner *owner, uint64_t process, enum pipes_kind kind, struct end **made, handle_t *handle)
{
    unsigned index = 0;
    while (index < end_count && ends[index]->kind)
        index++;
    if (index == ENDS || owner->ends >= ENDS_OF_OWNER)
        return STATUS_LIMIT;
    if (index == end_count && !(ends[index] = calloc(1, sizeof *ends[index])))
        return STATUS_NO_MEMORY;
    end_count += index == end_count;
    struct end *end = ends[index];
    *end = (struct end){.owner = owner, .process = process, .generation = end->generation + 1};
    const uint64_t badge = BADGE_END | (uint64_t)end->generation << INDEX_BITS | index;
    const int64_t calls = ipc_make_member(served, badge, &end->receives);
    if (calls < 0)
        return calls;
    *handle = (handle_t)calls;
    end->kind = kind;
    owner->ends++;
    *made = end;
    return STATUS_OK;
}

int64_t end_bring_memory(struct end *end, handle_t memory)
{
    if (end->ring || sys_memory_size(memory) != PIPES_MEMORY)
        return STATUS_INVALID;
    const int64_t here =
        sys_process_map(sys_start_handle(START_HANDLE_SELF), memory, 0, PIPES_MEMORY, 0, PROT_READ_WRITE);
    if (here < 0)
        return here;
    end->ring = (uint8_t *)here;
    sys_handle_close(memory); /* the mapping keeps it */
    return STATUS_OK;
}

static void wake(struct end *end, struct waiter **link)
{
    struct waiter *waiter = *link;
    *link = waiter->next;
    sys_endpoint_signal(waiter->endpoint, 1);
    sys_handle_close(waiter->endpoint);
    free(waiter);
    end->owner->waiters--;
}

void end_tell_writers(const struct end *gone, bool is_gone)
{
    for (unsigned i = 0; i < end_count; i++) {
        struct end *end = ends[i];
        if (!end->kind || end->peer != gone)
            continue;
        if (is_gone) {
            end->peer = NULL;
            end->is_over = end->kind != PIPES_DATAGRAM;
        }
        end_changed(end);
    }
}

void end_drop(struct end *end)
{
    end->kind = 0;
    while (end->waiters)
        wake(end, &end->waiters);
    /* A client's last handle is on its way here, perhaps: closing it is a notice about an end that went. */
    while (end->pending) {
        struct end *pending = end->pending;
        end->pending = pending->next_pending;
        sys_handle_close(pending->offered);
        pending->offered = 0;
    }
    passed_free(end->passed);
    end_tell_writers(end, true);
    if (end->ring)
        sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)(uintptr_t)end->ring, PIPES_MEMORY);
    sys_handle_close(end->receives);
    end->owner->ends--;
}

/* Whether there is as much that poll() says so. */
static bool room_in(const struct end *end)
{
    return PIPES_MEMORY - (end->stop - end->start) >= PIPES_ATOMIC;
}

static uint32_t socket_events(const struct end *end)
{
    if (end->listens)
        return (end->pending ? POLLIN | POLLRDNORM : 0) | (end->pending_count < end->backlog ? ROOM_TO_CONNECT : 0);
    uint32_t events = 0;
    if (end->start != end->stop || end->is_over || end->reads_no_more)
        events |= POLLIN | POLLRDNORM;
    if (end->is_over || end->reads_no_more)
        events |= POLLRDHUP;
    if (end->kind == PIPES_DATAGRAM)
        return events | (end->peer && !room_in(end->peer) ? 0 : POLLOUT | POLLWRNORM);
    if (!end->is_connected)
        return POLLOUT | POLLWRNORM | POLLHUP;
    if (!end->peer || (end->reads_no_more && end->writes_no_more) || (end->is_over && end->writes_no_more))
        events |= POLLHUP;
    if (!end->peer || end->writes_no_more || room_in(end->peer))
        events |= POLLOUT | POLLWRNORM;
    return events;
}

uint32_t end_events(const struct end *end)
{
    switch (end->kind) {
    case PIPES_READER:
        return (end->start != end->stop ? POLLIN | POLLRDNORM : 0) | (end->is_over ? POLLHUP : 0);
    case PIPES_WRITER:
        if (!end->peer)
            return POLLOUT | POLLWRNORM | POLLERR;
        return room_in(end->peer) ? POLLOUT | POLLWRNORM : 0;
    case PIPES_COUNT:
        return (end->count ? POLLIN | POLLRDNORM : 0) | (end->count < UINT64_MAX - 1 ? POLLOUT | POLLWRNORM : 0);
    default:
        return socket_events(end);
    }
}

bool end_grants(const struct end *end, const struct wish *wish)
{
    const struct end *receiver = wish->is_of_receiver ? end : end->peer;
    const bool has_room = !receiver || PIPES_MEMORY - (receiver->stop - receiver->start) >= wish->room;
    return (wish->events & end_events(end)) || (wish->room && has_room);
}

void end_changed(struct end *end)
{
    for (struct waiter **link = &end->waiters; *link;)
        if (end_grants(end, &(*link)->wish))
            wake(end, link);
        else
            link = &(*link)->next;
}

/* Of threads that ended, or wait no more. */
static void forget_gone(struct owner *owner)
{
    for (unsigned i = 0; i < end_count; i++) {
        struct end *end = ends[i];
        if (!end->kind || end->owner != owner)
            continue;
        for (struct waiter **link = &end->waiters; *link;)
            if (sys_endpoint_signal((*link)->endpoint, 0) != STATUS_OK)
                wake(end, link);
            else
                link = &(*link)->next;
    }
}

int64_t end_wait(struct end *end, handle_t endpoint, const struct wish *wish)
{
    static uint32_t last;
    if (sys_endpoint_signal(endpoint, 0) != STATUS_OK)
        return STATUS_INVALID;
    if (end->owner->waiters >= WAITERS_OF_OWNER)
        forget_gone(end->owner);
    if (end->owner->waiters >= WAITERS_OF_OWNER)
        return STATUS_LIMIT;
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        return STATUS_NO_MEMORY;
    *waiter = (struct waiter){end->waiters, endpoint, ++last, *wish};
    end->waiters = waiter;
    end->owner->waiters++;
    return waiter->number;
}

void end_disarm(struct end *end, uint32_t number)
{
    for (struct waiter **link = &end->waiters; *link; link = &(*link)->next)
        if ((*link)->number == number) {
            wake(end, link);
            return;
        }
}
