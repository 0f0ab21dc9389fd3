/* epoll: a list of descriptors that is kept, and polled. Of this process alone; what another thread adds while one waits, counts
 * from its next wait on. EPOLLET is taken, and reports what is ready as often as it is asked for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "pipes_client.h"

#define SETS 8
#define FLAGS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

struct member {
    int number; /* -1: none */
    handle_t file;
    const struct descriptor_calls *calls;
    bool is_done; /* it was to be reported once */
    struct epoll_event event;
};

static struct set {
    bool is_used;
    struct member members[DESCRIPTORS];
} sets[SETS];
static volatile int lock;

static long no_bytes(const struct descriptor *file, void *buffer, unsigned long size)
{
    (void)file, (void)buffer, (void)size;
    return -EINVAL;
}

static long no_writing(const struct descriptor *file, const void *data, unsigned long size)
{
    (void)file, (void)data, (void)size;
    return -EINVAL;
}

static long no_vector(const struct descriptor *file, const struct iovec *parts, long count, bool writes)
{
    (void)file, (void)parts, (void)count, (void)writes;
    return -EINVAL;
}

/* A set in a set, or in poll(). */
static long no_poll(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait)
{
    (void)file, (void)events, (void)endpoint, (void)wait;
    return POLLNVAL;
}

static void no_disarm(const struct descriptor *file, uint64_t wait)
{
    (void)file, (void)wait;
}

static long look(const struct descriptor *file, struct stat *status)
{
    (void)file;
    memset(status, 0, sizeof *status);
    status->st_mode = 0600;
    status->st_nlink = 1;
    return 0;
}

static long no_control(const struct descriptor *file, unsigned long request, void *argument)
{
    (void)file, (void)request, (void)argument;
    return -ENOTTY;
}

static void close_set(const struct descriptor *file);

static const struct descriptor_calls calls = {no_bytes, no_writing, no_poll, no_disarm, look, no_control, close_set, no_vector};

/* With the last descriptor of it. */
static void close_set(const struct descriptor *file)
{
    for (long number = 0; number < DESCRIPTORS; number++) {
        const struct descriptor *other = descriptor_of(number);
        if (other && other->calls == &calls && other->opened.number == file->opened.number)
            return;
    }
    sets[file->opened.number].is_used = false;
}

long epoll_make(long flags)
{
    unsigned place = 0;
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    lock_take(&lock);
    while (place < SETS && sets[place].is_used)
        place++;
    if (place < SETS) {
        sets[place].is_used = true;
        for (unsigned i = 0; i < DESCRIPTORS; i++)
            sets[place].members[i].number = -1;
    }
    lock_release(&lock);
    const long number = place < SETS ? descriptor_reserve(0) : -ENFILE;
    const struct descriptor opened = {.kind = OTHER, .reads = true, .closes_on_exec = flags, .opened = {.number = place}, .calls = &calls};
    if (number >= 0)
        descriptor_set(number, &opened);
    else if (place < SETS)
        sets[place].is_used = false;
    return number;
}

static struct set *set_of(long number, long *error)
{
    const struct descriptor *file = descriptor_of(number);
    *error = !file ? -EBADF : file->calls == &calls ? 0 : -EINVAL;
    return *error ? NULL : &sets[file->opened.number];
}

/* A number that was closed meanwhile, and perhaps opened again, is a member no more. */
static bool is_there(struct member *member)
{
    const struct descriptor *file = member->number < 0 ? NULL : descriptor_of(member->number);
    if (!file || file->opened.file != member->file || file->calls != member->calls)
        member->number = -1;
    return member->number >= 0;
}

static struct member *find(struct set *set, int number)
{
    for (struct member *each = set->members; each < set->members + DESCRIPTORS; each++)
        if (is_there(each) && each->number == number)
            return each;
    return NULL;
}

static struct member *unused(struct set *set)
{
    for (struct member *each = set->members; each < set->members + DESCRIPTORS; each++)
        if (!is_there(each))
            return each;
    return NULL;
}

static long change(struct set *set, long operation, int number, const struct descriptor *file, const struct epoll_event *event)
{
    struct member *member = find(set, number);
    if (operation == EPOLL_CTL_ADD && member)
        return -EEXIST;
    if (operation != EPOLL_CTL_ADD && !member)
        return operation == EPOLL_CTL_MOD || operation == EPOLL_CTL_DEL ? -ENOENT : -EINVAL;
    if (operation == EPOLL_CTL_DEL) {
        member->number = -1;
        return 0;
    }
    if (!member && !(member = unused(set)))
        return -ENOSPC;
    *member = (struct member){number, file->opened.file, file->calls, false, *event};
    return 0;
}

long epoll_change(long number, long operation, long of, const struct epoll_event *event)
{
    long error;
    struct set *set = set_of(number, &error);
    const struct descriptor *file = descriptor_of(of);
    if (error || !file)
        return error ? error : -EBADF;
    if (file->kind == FILE_OF_IMAGE || file->kind == FILE_OF_TMP || file->kind == FOLDER)
        return -EPERM;
    if (file->calls == &calls)
        return number == of ? -EINVAL : -ELOOP;
    lock_take(&lock);
    error = change(set, operation, (int)of, file, event);
    lock_release(&lock);
    return error;
}

/* What is to be polled; how many. */
static unsigned list_all(struct set *set, struct pollfd *list, struct member **members)
{
    unsigned count = 0;
    lock_take(&lock);
    for (struct member *each = set->members; each < set->members + DESCRIPTORS; each++)
        if (is_there(each) && !each->is_done) {
            members[count] = each;
            list[count++] = (struct pollfd){each->number, (short)(each->event.events & ~(uint32_t)FLAGS), 0};
        }
    lock_release(&lock);
    return count;
}

long epoll_await(long number, struct epoll_event *events, long most, long milliseconds, const uint64_t *mask)
{
    long error;
    struct set *set = set_of(number, &error);
    struct pollfd list[DESCRIPTORS];
    struct member *members[DESCRIPTORS];
    if (error || most <= 0)
        return error ? error : -EINVAL;
    const unsigned count = list_all(set, list, members);
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
    const long ready = poll_masked(list, count, (int)milliseconds < 0 ? NULL : &time, mask);
    long given = 0;
    for (unsigned i = 0; ready > 0 && i < count && given < most; i++) {
        if (!list[i].revents || members[i]->number != list[i].fd || list[i].revents & POLLNVAL)
            continue;
        events[given++] = (struct epoll_event){(uint16_t)list[i].revents, members[i]->event.data};
        members[i]->is_done = members[i]->event.events & EPOLLONESHOT;
    }
    return ready < 0 ? ready : given;
}
