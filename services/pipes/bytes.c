/* What is on its way: bytes, of datagrams each behind a head, and handles. */
#include <stdlib.h>
#include <string.h>
#include <system/call.h>

#include "end.h"

/* In the ring, before the sender's address and the bytes. */
struct head {
    uint32_t size, address_size;
};

static bool has_records(const struct end *end)
{
    return end->kind == PIPES_DATAGRAM || end->kind == PIPES_SEQUENCED;
}

static uint64_t room(const struct end *end)
{
    return PIPES_MEMORY - (end->stop - end->start);
}

static void put(struct end *end, const void *data, size_t size)
{
    const size_t at = end->stop % PIPES_MEMORY, first = size < PIPES_MEMORY - at ? size : PIPES_MEMORY - at;
    memcpy(end->ring + at, data, first);
    memcpy(end->ring, (const uint8_t *)data + first, size - first);
    end->stop += size;
}

/* Where they lie, or a copy where the ring's end is between them. */
static const void *look(const struct end *end, uint64_t position, size_t size)
{
    static uint8_t copy[PIPES_MEMORY];
    const size_t at = position % PIPES_MEMORY;
    if (size <= PIPES_MEMORY - at)
        return end->ring + at;
    memcpy(copy, end->ring + at, PIPES_MEMORY - at);
    memcpy(copy + PIPES_MEMORY - at, end->ring, size - (PIPES_MEMORY - at));
    return copy;
}

/* Of the first datagram; what a client wrote there is cut to what can be. */
static struct head first_head(const struct end *end)
{
    struct head head = {0};
    if (end->stop - end->start < sizeof head)
        return head;
    const uint64_t left = end->stop - end->start - sizeof head;
    memcpy(&head, look(end, end->start, sizeof head), sizeof head);
    if (head.address_size > PIPES_ADDRESS_MAX || head.address_size > left)
        head.address_size = 0;
    if (head.size > left - head.address_size)
        head.size = (uint32_t)(left - head.address_size);
    return head;
}

void passed_free(struct passed *list)
{
    while (list) {
        struct passed *next = list->next;
        if (list->handle)
            sys_handle_close(list->handle);
        list->owner->passed--;
        free(list);
        list = next;
    }
}

/* All or none. */
static int64_t pass(struct end *from, struct end *to, const struct sent *sent)
{
    struct passed *list = NULL, **end = &list;
    if (from->owner->passed + sent->handle_count > PASSED_OF_OWNER)
        return STATUS_LIMIT;
    for (unsigned i = 0; i < sent->handle_count; i++) {
        *end = calloc(1, sizeof **end);
        if (!*end) {
            passed_free(list);
            return STATUS_NO_MEMORY;
        }
        **end = (struct passed){NULL, to->stop, 0, from->owner, sent->about[i]};
        from->owner->passed++;
        end = &(*end)->next;
    }
    unsigned taken = 0;
    for (struct passed *each = list; each; each = each->next)
        each->handle = sent->handles[taken++];
    for (end = &to->passed; *end;)
        end = &(*end)->next;
    *end = list;
    return STATUS_OK;
}

static int64_t size_taken(const struct end *to, size_t size, size_t address_size)
{
    if (has_records(to)) {
        const uint64_t needed = sizeof(struct head) + address_size + size;
        return needed > PIPES_MEMORY ? STATUS_TOO_LONG : needed > room(to) ? PIPES_AGAIN : (int64_t)size;
    }
    if (size <= room(to) || (room(to) && !(to->kind == PIPES_READER && size <= PIPES_ATOMIC)))
        return (int64_t)(size < room(to) ? size : room(to));
    return PIPES_AGAIN;
}

int64_t end_write(struct end *from, struct end *to, const struct sent *sent)
{
    const int64_t size = size_taken(to, sent->size, from->address_size);
    const int64_t status = size < 0 ? size : pass(from, to, sent);
    if (status != STATUS_OK)
        return status;
    if (has_records(to)) {
        const struct head head = {(uint32_t)size, from->address_size};
        put(to, &head, sizeof head);
        put(to, from->address, from->address_size);
    }
    put(to, sent->data, (size_t)size);
    end_changed(to);
    return size;
}

/* What was sent with the bytes before a position. */
static struct passed *take_passed(struct end *end, uint64_t position)
{
    struct passed *list = end->passed, **link = &end->passed;
    while (*link && (*link)->position < position)
        link = &(*link)->next;
    if (link == &end->passed)
        return NULL;
    end->passed = *link;
    *link = NULL;
    return list;
}

static unsigned count(const struct passed *list)
{
    unsigned all = 0;
    for (; list; list = list->next)
        all++;
    return all;
}

/* Bytes of a stream up to where other handles were sent than with the first. */
static size_t up_to_handles(const struct end *end, size_t size)
{
    const struct passed *each = end->passed;
    while (each && each->position <= end->start)
        each = each->next;
    return each && each->position - end->start < size ? each->position - end->start : size;
}

int64_t end_read(struct end *end, size_t size, bool peeks, struct got *got)
{
    *got = (struct got){.data = ""};
    if (end->start == end->stop)
        return end->is_over || end->reads_no_more ? STATUS_OK : PIPES_AGAIN;
    uint64_t at = end->start, next;
    if (has_records(end)) {
        static char address[PIPES_ADDRESS_MAX];
        const struct head head = first_head(end);
        at = at + sizeof head < end->stop ? at + sizeof head : end->stop;
        memcpy(address, look(end, at, head.address_size), head.address_size);
        at += head.address_size;
        got->address = address;
        got->about = (struct pipes_read){size < head.size ? size : head.size, head.address_size, 0, head.size};
        next = at + head.size;
    } else {
        const uint64_t there = end->stop - end->start;
        got->about.size = got->about.whole = up_to_handles(end, size < there ? size : there);
        next = at + got->about.size;
    }
    got->data = look(end, at, got->about.size);
    if (peeks)
        return STATUS_OK;
    got->passed = take_passed(end, next);
    got->about.passed = count(got->passed);
    end->start = next;
    end_changed(end); /* those that write to it by its key */
    end_tell_writers(end, false);
    return STATUS_OK;
}

uint64_t end_readable(const struct end *end)
{
    return end->start == end->stop ? 0 : has_records(end) ? first_head(end).size : end->stop - end->start;
}
