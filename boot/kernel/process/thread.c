/* Threads and the scheduler: one queue, round robin by the timer's tick. */
#include "kernel.h"

struct thread *current_thread;
static struct thread_queue ready_threads;
static struct thread_queue sleeping_threads;
static struct thread *loaded_thread; /* whose FPU state and address space the CPU holds */
static uint64_t thread_numbers;

void thread_queue_add(struct thread_queue *queue, struct thread *thread)
{
    thread->queue = queue;
    thread->next = NULL;
    thread->previous = queue->last;
    if (queue->last)
        queue->last->next = thread;
    else
        queue->first = thread;
    queue->last = thread;
}

void thread_queue_remove(struct thread *thread)
{
    struct thread_queue *queue = thread->queue;
    if (!queue)
        return;
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        queue->first = thread->next;
    if (thread->next)
        thread->next->previous = thread->previous;
    else
        queue->last = thread->previous;
    thread->queue = NULL;
}

/* Never inlined, never empty to the compiler: who looks from outside stops here. */
__attribute__((noinline)) void process_begins(void)
{
    __asm__ volatile("" ::: "memory");
}

struct thread *thread_create(struct process *process, uint64_t entry, uint64_t stack, uint64_t argument)
{
    struct thread *thread = pool_alloc(sizeof *thread);
    if (!thread)
        return NULL;
    thread->object = (struct object){OBJECT_THREAD, 1};
    thread->process = process;
    thread->record.number = ++thread_numbers;
    frame_init_user(&thread->frame, entry, stack, argument);
    cpu_fpu_reset(thread->fpu);
    thread->record.next = process->record.threads;
    process->record.threads = (uint64_t)&thread->record;
    object_retain(process); /* while the thread lives */
    if (!process->live_threads++) {
        kernel_record.beginning = (uint64_t)&process->record;
        process_begins();
    }
    thread_ready(thread);
    return thread;
}

void thread_destroy(struct thread *thread)
{
    if (loaded_thread == thread)
        loaded_thread = NULL;
    pool_free(thread, sizeof *thread);
}

void thread_end(struct thread *thread)
{
    if (thread->record.state == THREAD_DEAD)
        return;
    thread_queue_remove(thread);
    if (thread->reply)
        thread->reply->caller = NULL;
    thread->record.state = THREAD_DEAD;
    if (current_thread == thread)
        current_thread = NULL;
    struct process *process = thread->process;
    if (--process->live_threads == 0)
        process_end(process, PROCESS_EXITED, 0);
    object_release(process);
}

void thread_ready(struct thread *thread)
{
    thread->record.state = THREAD_READY;
    thread->record.endpoint = 0;
    thread_queue_add(&ready_threads, thread);
}

void thread_wake(struct thread *thread, int64_t result)
{
    thread_queue_remove(thread);
    frame_set_result(&thread->frame, result);
    thread_ready(thread);
}

void thread_sleep(struct thread *thread, uint64_t nanoseconds)
{
    uint64_t now = clock_since_boot();
    thread->wake_instant = nanoseconds < UINT64_MAX - now ? now + nanoseconds : UINT64_MAX;
    thread_queue_remove(thread);
    thread->record.state = THREAD_SLEEPING;
    thread_queue_add(&sleeping_threads, thread);
}

void scheduler_wake_sleepers(void)
{
    if (!sleeping_threads.first)
        return;
    uint64_t now = clock_since_boot();
    for (struct thread *thread = sleeping_threads.first; thread;) {
        struct thread *next = thread->next;
        if (thread->wake_instant <= now)
            thread_wake(thread, STATUS_OK);
        thread = next;
    }
}

void thread_yield(void)
{
    if (current_thread && current_thread->record.state == THREAD_READY) {
        thread_queue_remove(current_thread);
        thread_queue_add(&ready_threads, current_thread);
        current_thread = NULL;
    }
}

static void load(struct thread *thread)
{
    kernel_record.context_switches++;
    if (loaded_thread)
        cpu_fpu_save(loaded_thread->fpu);
    cpu_fpu_load(thread->fpu);
    if (!loaded_thread || loaded_thread->process != thread->process)
        cpu_set_page_table(thread->process->record.page_table);
    cpu_set_thread_pointer(thread->thread_pointer);
    cpu_set_frame(&thread->frame);
    loaded_thread = thread;
}

struct frame *schedule(void)
{
    /* The running thread stays in the queue of ready threads; it leaves by waiting or by yielding. */
    while (!current_thread || current_thread->record.state != THREAD_READY) {
        current_thread = ready_threads.first;
        if (!current_thread)
            cpu_wait_for_interrupt();
    }
    if (loaded_thread != current_thread)
        load(current_thread);
    return &current_thread->frame;
}
