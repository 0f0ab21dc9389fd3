/* Where musl's threads begin and end: by the kernel's calls, not by clone. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>

#include "pthread_impl.h"

#include <system/call.h>
#include <system/start.h>

#include "tls.h"

struct beginning {
    int (*function)(void *);
    void *argument;
};

static _Noreturn void begin(const struct beginning *beginning)
{
    __tls_begin_thread();
    beginning->function(beginning->argument);
    sys_thread_exit();
}

/* A static program has none of those. */
static void nothing(void)
{
}
weak_alias(nothing, __tls_begin_thread);

/* Threads alone: there is no fork. */
int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
    if (!(flags & CLONE_THREAD))
        return -ENOSYS;
    va_list rest;
    va_start(rest, argument);
    int *number = va_arg(rest, int *);
    const void *thread_pointer = va_arg(rest, void *);
    va_end(rest); /* then the exit word, which is that of all threads */
    struct beginning *beginning = (struct beginning *)(((uintptr_t)stack & -16ul)) - 1;
    *beginning = (struct beginning){function, argument};
    /* As after a call: a multiple of 16, and the return address. */
    const int64_t handle =
        sys_thread_create_with(sys_start_handle(START_HANDLE_SELF), (uintptr_t)begin, (uintptr_t)beginning - sizeof(uint64_t),
                               (uintptr_t)beginning, (uintptr_t)thread_pointer, number);
    if (handle < 0)
        return -EAGAIN;
    sys_handle_close((handle_t)handle);
    return *number;
}

_Noreturn void __unmapself(void *base, size_t size)
{
    sys_thread_exit_unmapping((uintptr_t)base, size);
}
