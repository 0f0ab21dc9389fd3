/* Threads, as clone makes them for pthread_create of musl and glibc. */
#include <errno.h>
#include <sched.h>
#include <system/call.h>
#include <system/start.h>

#include "calls.h"

/* What a thread shares; with less it would be a process, and those are not made by clone here. */
#define OF_A_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* At the end of the new stack, where a red zone would be once the thread goes on. */
struct thread_start {
    struct linux_frame frame; /* first: entry.S goes on from it */
    int *clear_word, *set_word;
};
_Static_assert(sizeof(struct thread_start) <= sizeof(struct linux_frame) + RED_ZONE, "it would lie in the stack");

/* clone3's, as far as it is known. */
struct clone_arguments {
    uint64_t flags, process, child_word, parent_word, exit_signal, stack, stack_size, thread_pointer;
};

void linux_thread_entry(void);

__attribute__((visibility("hidden"))) void linux_thread_begin(const struct thread_start *start)
{
    sys_thread_exit_word(start->clear_word); /* else it is the caller's */
    if (start->set_word)
        *start->set_word = (int)sys_thread_number();
}

long linux_clone(const struct linux_frame *caller, unsigned long flags, unsigned long stack, int *parent_word, int *child_word,
                 unsigned long thread_pointer)
{
    if ((flags & OF_A_THREAD) != OF_A_THREAD)
        return -ENOSYS;
    if (!stack)
        return -EINVAL;
    struct thread_start *start = (struct thread_start *)(stack - RED_ZONE - sizeof start->frame);
    *start = (struct thread_start){
        .frame = *caller,
        .clear_word = flags & CLONE_CHILD_CLEARTID ? child_word : NULL,
        .set_word = flags & CLONE_CHILD_SETTID ? child_word : NULL,
    };
    int number = 0;
    const int64_t handle = sys_thread_create_with(sys_start_handle(START_HANDLE_SELF), (uint64_t)linux_thread_entry, stack,
                                                  (uint64_t)start, flags & CLONE_SETTLS ? thread_pointer : 0,
                                                  flags & CLONE_PARENT_SETTID ? parent_word : &number);
    if (handle < 0)
        return -EAGAIN;
    sys_handle_close((handle_t)handle);
    return flags & CLONE_PARENT_SETTID ? *parent_word : number;
}

long linux_clone3(const struct linux_frame *caller, const uint64_t *arguments, unsigned long size)
{
    const struct clone_arguments *wanted = (const void *)arguments;
    if (size < sizeof *wanted)
        return -EINVAL;
    return linux_clone(caller, wanted->flags, wanted->stack ? wanted->stack + wanted->stack_size : 0,
                       (int *)wanted->parent_word, (int *)wanted->child_word, wanted->thread_pointer);
}
