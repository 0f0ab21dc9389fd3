/* epoll by poll: what is watched stands in a table of the descriptor, and each wait asks for all of it. Edges are levels. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <system/call.h>

#include "calls.h"
#include "descriptor.h"
#include "pipes_client.h"

#define SETS 8
#define OF_POLL 0xffff /* bits of events that poll knows */

struct set {
    bool is_open;
    struct epoll_event watched[DESCRIPTORS]; /* by descriptor */
    bool has[DESCRIPTORS];
};

static struct set sets[SETS];

static void close_set(const struct descriptor *file)
{
    sets[file->position].is_open = false;
}

static long refuse_read(const struct descriptor *file, void *buffer, unsigned long size)
{
    (void)file, (void)buffer, (void)size;
    return -EINVAL;
}

static long refuse_write(const struct descriptor *file, const void *data, unsigned long size)
{
    (void)file, (void)data, (void)size;
    return -EINVAL;
}

static long no_events(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait)
{
    (void)file, (void)events;
    if (endpoint)
        sys_handle_close(endpoint);
    *wait = 0;
    return 0;
}

static void nothing_armed(const struct descriptor *file, uint64_t wait)
{
    (void)file, (void)wait;
}

static long status_of_set(const struct descriptor *file, struct stat *status)
{
    (void)file;
    memset(status, 0, sizeof *status);
    status->st_mode = 0600;
    return 0;
}

static long no_device(const struct descriptor *file, unsigned long request, void *argument)
{
    (void)file, (void)request, (void)argument;
    return -ENOTTY;
}

static const struct descriptor_calls calls = {
    .read = refuse_read,
    .write = refuse_write,
    .poll = no_events,
    .disarm = nothing_armed,
    .status = status_of_set,
    .device_control = no_device,
    .close = close_set,
};

static struct set *set_of(long file)
{
    const struct descriptor *found = descriptor_of(file);
    return found && found->calls == &calls ? &sets[found->position] : NULL;
}

long linux_epoll_create(long flags)
{
    unsigned place = 0;
    if (flags & ~(long)EPOLL_CLOEXEC)
        return -EINVAL;
    while (place < SETS && sets[place].is_open)
        place++;
    const long file = place < SETS ? descriptor_reserve(0) : -EMFILE;
    if (file < 0)
        return file;
    sets[place] = (struct set){.is_open = true};
    descriptor_set(file, &(struct descriptor){.kind = OTHER,
                                              .reads = true,
                                              .position = place,
                                              .closes_on_exec = flags & EPOLL_CLOEXEC,
                                              .calls = &calls});
    return file;
}

long linux_epoll_control(long epoll, long operation, long file, const struct epoll_event *event)
{
    struct set *set = set_of(epoll);
    if (!descriptor_of(epoll) || !descriptor_of(file))
        return -EBADF;
    if (!set || file == epoll)
        return -EINVAL;
    if (operation == EPOLL_CTL_ADD && set->has[file])
        return -EEXIST;
    if (operation != EPOLL_CTL_ADD && !set->has[file])
        return -ENOENT;
    const enum descriptor_kind kind = descriptor_of(file)->kind;
    if (kind == FILE_OF_IMAGE || kind == FILE_OF_TMP || kind == FOLDER)
        return -EPERM;
    set->has[file] = operation != EPOLL_CTL_DEL;
    if (set->has[file])
        set->watched[file] = *event;
    return 0;
}

/* What is ready; those that were closed are watched no more. */
static long report_ready(struct set *set, const struct pollfd *list, unsigned count, struct epoll_event *events, long most)
{
    long ready = 0;
    for (unsigned i = 0; i < count && ready < most; i++) {
        struct epoll_event *watched = &set->watched[list[i].fd];
        if (list[i].revents & POLLNVAL)
            set->has[list[i].fd] = false;
        else if (list[i].revents)
            events[ready++] = (struct epoll_event){.events = (uint16_t)list[i].revents, .data = watched->data};
        if (list[i].revents && watched->events & EPOLLONESHOT)
            watched->events = 0;
    }
    return ready;
}

long linux_epoll_wait(long epoll, struct epoll_event *events, long most, const struct timespec *time)
{
    struct pollfd list[DESCRIPTORS];
    unsigned count = 0;
    struct set *set = set_of(epoll);
    if (!set || most <= 0)
        return descriptor_of(epoll) ? -EINVAL : -EBADF;
    for (int file = 0; file < DESCRIPTORS; file++)
        if (set->has[file] && set->watched[file].events)
            list[count++] = (struct pollfd){.fd = file, .events = (short)(set->watched[file].events & OF_POLL)};
    const long found = poll_several(list, count, time);
    return found > 0 ? report_ready(set, list, count, events, most) : found;
}

long linux_epoll_wait_milliseconds(long epoll, struct epoll_event *events, long most, int milliseconds)
{
    const struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000l};
    return linux_epoll_wait(epoll, events, most, milliseconds < 0 ? NULL : &time);
}
