/* Destructors of thread-local objects: of each thread its own, newest first, when it ends or calls exit. */
#include <pthread.h>
#include <stdlib.h>

#include "atexit.h"
#include "lock.h"
#include "pthread_impl.h"

typedef void handler(void *argument);

struct entry {
    struct entry *next;
    pthread_t thread;
    handler *function;
    void *argument;
    const void *object; /* an address in it; NULL: the one that the function lies in */
};

static struct entry *entries; /* of all threads, newest first */
static volatile int lock[1];

static struct entry *take(pthread_t thread)
{
    LOCK(lock);
    struct entry **link = &entries;
    while (*link && (*link)->thread != thread)
        link = &(*link)->next;
    struct entry *entry = *link;
    if (entry)
        *link = entry->next;
    UNLOCK(lock);
    return entry;
}

void __thread_atexit_run(void)
{
    for (struct entry *entry; (entry = take(__pthread_self()));) {
        const struct entry taken = *entry;
        __libc_free(entry);
        taken.function(taken.argument);
    }
}

static void run(void *hook)
{
    __libc_free(hook);
    __thread_atexit_run();
}

/* Below the thread's cleanup handlers, and so after them and before the destructors of its keys. */
static int hook(pthread_t self)
{
    struct __ptcb **link = &self->cancelbuf, *last;
    while (*link) {
        if ((*link)->__f == run)
            return 0;
        link = &(*link)->__next;
    }
    last = __libc_malloc(sizeof *last);
    if (!last)
        return -1;
    *last = (struct __ptcb){.__f = run, .__x = last};
    *link = last;
    return 0;
}

int __cxa_thread_atexit_impl(handler *function, void *argument, void *object)
{
    struct entry *entry = __libc_malloc(sizeof *entry);
    pthread_t self = __pthread_self();
    if (!entry || hook(self)) {
        __libc_free(entry);
        return -1;
    }
    LOCK(lock);
    *entry = (struct entry){entries, self, function, argument, object};
    entries = entry;
    UNLOCK(lock);
    return 0;
}

void __thread_atexit_visit(void (*visit)(void *context, uintptr_t address), void *context)
{
    LOCK(lock);
    for (const struct entry *entry = entries; entry; entry = entry->next)
        visit(context, entry->object ? (uintptr_t)entry->object : (uintptr_t)entry->function);
    UNLOCK(lock);
}
