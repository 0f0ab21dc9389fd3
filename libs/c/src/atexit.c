/* What runs at exit, and when an object goes: functions of atexit, and destructors of C++ by the object that registered
 * them (Itanium C++ ABI 3.3.6), which may be closed before the program ends. Destructors of thread-local objects run
 * before all others; a process has one thread, so one list holds them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fork_impl.h"
#include "libc.h"
#include "lock.h"

#define COUNT 32 /* POSIX: so many without memory from malloc */

typedef void function(void *argument);

static struct block {
    struct block *next;
    size_t used;
    struct entry {
        function *function;
        void *argument;
    } entries[COUNT];
} first_block, *head; /* NULL until the first comes: no pointer to relocate */

struct destructor {
    struct destructor *next;
    function *function; /* NULL: it ran when its object went */
    void *argument, *object;
};

static struct destructor *thread_destructors;
static bool registered; /* since it was cleared */
static volatile int lock[1];
volatile int *const __atexit_lockptr = lock;

/* Called with the lock, which it gives up meanwhile. */
static void run(function *function, void *argument)
{
    UNLOCK(lock);
    function(argument);
    LOCK(lock);
}

/* With NULL those of every object. Called with the lock. */
static void run_thread_destructors(const void *object)
{
    for (struct destructor **at = &thread_destructors; *at;) {
        struct destructor *one = *at;
        if (object && one->object != object) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        run(one->function, one->argument);
        __libc_free(one);
        at = &thread_destructors; /* it may have registered others */
    }
}

hidden void __funcs_on_exit(void)
{
    LOCK(lock);
    run_thread_destructors(NULL);
    for (; head; head = head->next)
        while (head->used) {
            struct entry entry = head->entries[--head->used];
            run(entry.function, entry.argument);
        }
    UNLOCK(lock);
}

/* The entry of one destructor. */
static void destroy(void *argument)
{
    struct destructor one = *(struct destructor *)argument;
    __libc_free(argument);
    if (one.function)
        one.function(one.argument);
}

static void run_destructors(const void *object)
{
    for (struct block *block = head; block; block = block->next)
        for (size_t i = block->used; i-- > 0;) {
            struct destructor *one = block->entries[i].function == destroy ? block->entries[i].argument : NULL;
            if (!one || one->object != object || !one->function)
                continue;
            function *function = one->function;
            one->function = NULL;
            registered = false;
            run(function, one->argument);
            if (registered) { /* newer ones come first */
                block = head;
                i = block->used;
            }
        }
}

void __cxa_finalize(void *object)
{
    if (!object) {
        __funcs_on_exit();
        return;
    }
    LOCK(lock);
    run_thread_destructors(object);
    run_destructors(object);
    UNLOCK(lock);
}

static int add(function *function, void *argument)
{
    LOCK(lock);
    if (!head)
        head = &first_block;
    if (head->used == COUNT) {
        struct block *more = __libc_calloc(1, sizeof *more);
        if (!more) {
            UNLOCK(lock);
            return -1;
        }
        more->next = head;
        head = more;
    }
    head->entries[head->used++] = (struct entry){function, argument};
    registered = true;
    UNLOCK(lock);
    return 0;
}

static struct destructor *new_destructor(function *function, void *argument, void *object)
{
    struct destructor *one = __libc_malloc(sizeof *one);
    if (one)
        *one = (struct destructor){NULL, function, argument, object};
    return one;
}

int __cxa_atexit(function *function, void *argument, void *object)
{
    if (!object)
        return add(function, argument);
    struct destructor *one = new_destructor(function, argument, object);
    if (!one || add(destroy, one) != 0) {
        __libc_free(one);
        return -1;
    }
    return 0;
}

int __cxa_thread_atexit_impl(function *function, void *argument, void *object)
{
    struct destructor *one = new_destructor(function, argument, object);
    if (!one)
        return -1;
    LOCK(lock);
    one->next = thread_destructors;
    thread_destructors = one;
    UNLOCK(lock);
    return 0;
}

static void call(void *function)
{
    ((void (*)(void))(uintptr_t)function)();
}

int atexit(void (*function)(void))
{
    return add(call, (void *)(uintptr_t)function);
}
