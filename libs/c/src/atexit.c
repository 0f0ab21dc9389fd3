/* What runs at the end of the program, and when an object goes: handlers of atexit and destructors of C++, by the
 * object that registered them (Itanium C++ ABI 3.3.6), newest first, each once. */
#include "atexit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "fork_impl.h"
#include "libc.h"
#include "lock.h"

#define COUNT 32 /* POSIX: so many without memory from malloc */

typedef void handler(void *argument);

struct entry {
    handler *function; /* NULL: it ran */
    void *argument;
    const void *object; /* an address in it; NULL: the one that the function lies in */
};

/* The last one runs first. */
struct handlers {
    struct entry *entries;
    unsigned count, room;
    unsigned changes; /* so far */
};

static struct entry first_entries[COUNT];
static struct handlers at_exit, quick;
static volatile int lock[1];
volatile int *const __atexit_lockptr = lock;
hidden volatile int *const __at_quick_exit_lockptr = lock;

/* Called with the lock, which it gives up meanwhile. */
static void run(const struct entry *entry)
{
    UNLOCK(lock);
    entry->function(entry->argument);
    LOCK(lock);
}

static bool make_room(struct handlers *handlers)
{
    if (handlers->count < handlers->room)
        return true;
    if (handlers == &at_exit && !handlers->entries) {
        handlers->entries = first_entries;
        handlers->room = COUNT;
        return true;
    }
    unsigned room = handlers->room ? 2 * handlers->room : COUNT;
    struct entry *entries = __libc_malloc(room * sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < handlers->count; i++)
        entries[i] = handlers->entries[i];
    if (handlers->entries != first_entries)
        __libc_free(handlers->entries);
    handlers->entries = entries;
    handlers->room = room;
    return true;
}

static int add(struct handlers *handlers, handler *function, void *argument, const void *object)
{
    LOCK(lock);
    bool good = make_room(handlers);
    if (good)
        handlers->entries[handlers->count++] = (struct entry){function, argument, object};
    handlers->changes++;
    UNLOCK(lock);
    return good ? 0 : -1;
}

/* Those that handlers register run next. Called with the lock. */
static void run_all(struct handlers *handlers)
{
    while (handlers->count) {
        struct entry entry = handlers->entries[--handlers->count];
        handlers->changes++;
        if (entry.function)
            run(&entry);
    }
}

static bool is_within(const void *address, const struct address_range *range)
{
    return (uintptr_t)address - range->low < range->high - range->low;
}

/* Whether it goes with an object. */
static bool goes(const struct entry *entry, const void *object, const struct address_range *range)
{
    if (!range)
        return entry->object == object;
    return is_within(entry->object, range) || is_within((void *)(uintptr_t)entry->function, range);
}

static void drop_those_that_ran(struct handlers *handlers)
{
    unsigned kept = 0;
    for (size_t i = 0; i < handlers->count; i++)
        if (handlers->entries[i].function)
            handlers->entries[kept++] = handlers->entries[i];
    handlers->count = kept;
    handlers->changes++;
}

/* Run, or forget, those of one object. Called with the lock. */
static void end_object(struct handlers *handlers, const void *object, const struct address_range *range, bool runs)
{
    for (size_t i = handlers->count; i-- > 0;) {
        struct entry entry = handlers->entries[i];
        if (!entry.function || !goes(&entry, object, range))
            continue;
        handlers->entries[i].function = NULL;
        unsigned changes = handlers->changes;
        if (runs)
            run(&entry);
        if (handlers->changes != changes)
            i = handlers->count; /* it registered others, which come first, or had some run */
    }
    drop_those_that_ran(handlers);
}

static void end_of(const void *object, const struct address_range *range)
{
    LOCK(lock);
    end_object(&at_exit, object, range, true);
    end_object(&quick, object, range, false);
    UNLOCK(lock);
}

void __atexit_leave(const struct address_range *range)
{
    end_of(NULL, range);
}

void __cxa_finalize(void *object)
{
    if (object)
        end_of(object, NULL);
    else
        __atexit_run();
}

void __atexit_run(void)
{
    LOCK(lock);
    run_all(&at_exit);
    UNLOCK(lock);
}

/* A program without such objects has none. */
static void nothing(void)
{
}
weak_alias(nothing, __thread_atexit_run);

/* In exit, which may be called again by what runs here: that call goes on with what is left. */
hidden void __funcs_on_exit(void)
{
    __thread_atexit_run();
    LOCK(lock);
    run_all(&at_exit);
    UNLOCK(lock);
}

hidden void __funcs_on_quick_exit(void)
{
    LOCK(lock);
    run_all(&quick);
    UNLOCK(lock);
}

int __cxa_atexit(handler *function, void *argument, void *object)
{
    return add(&at_exit, function, argument, object);
}

int __cxa_at_quick_exit(handler *function, void *object)
{
    return add(&quick, function, NULL, object);
}
