#include "object/thread.h"

#include "base/clock.h"
#include "base/record.h"
#include "base/work.h"
#include "memory/pool.h"

struct thread *current_thread;
bool input_awaited;
static struct thread_queue ready_threads;
static struct thread_queue sleeping_threads;
static struct thread *loaded_thread; /* whose FPU state and address space the CPU holds */
static uint64_t thread_numbers;

static void queue_add(struct thread_queue *queue, struct thread *thread)
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

static void queue_remove(struct thread *thread)
{
    struct thread_queue *queue = thread->queue;
    if (!queue)
        return;
    if (queue->cursor == thread)
        queue->cursor = thread->next;
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

static bool thread_destroy(void *object)
{
    struct thread *thread = object;
    if (loaded_thread == thread)
        loaded_thread = NULL;
    pool_free(thread, sizeof *thread);
    return true;
}

/* With what it keeps of a call that is done in steps. */
const struct object_type thread_type = {.destroy = thread_destroy, .bytes = sizeof(struct thread) + sizeof(struct progress)};

struct thread *thread_create(uint64_t entry, uint64_t stack, uint64_t argument)
{
    struct thread *thread = pool_alloc(sizeof *thread);
    if (!thread)
        return NULL;
    thread->object = (struct object){.type = &thread_type, .references = 1};
    thread->record.number = ++thread_numbers;
    thread->record.frame = (uint64_t)&thread->frame;
    frame_init_user(&thread->frame, entry, stack, argument);
    cpu_fpu_reset(thread->fpu);
    return thread;
}

void thread_stop(struct thread *thread)
{
    queue_remove(thread);
    if (thread->caller_link)
        *thread->caller_link = NULL;
    thread->caller_link = NULL;
    thread_forget_progress(thread);
    thread->record.state = THREAD_DEAD;
    if (current_thread == thread)
        current_thread = NULL;
}

struct progress *thread_keep_progress(void)
{
    struct thread *thread = current_thread;
    if (!thread->progress && (thread->progress = pool_alloc(sizeof *thread->progress)))
        frame_call(&thread->frame, thread->progress->call);
    return thread->progress;
}

void thread_forget_progress(struct thread *thread)
{
    struct progress *progress = thread->progress;
    if (!progress)
        return;
    if (progress->object)
        object_release(progress->object);
    pool_free(progress, sizeof *progress);
    thread->progress = NULL;
}

int64_t thread_make_memory(struct budget *budget, uint64_t size, struct memory **memory)
{
    struct progress *progress = current_thread->progress;
    struct memory *made = progress && progress->object ? progress->object : memory_begin(budget, size);
    int64_t status = made ? memory_grow(made) : STATUS_NO_MEMORY;
    if (status == CALL_AGAIN && (progress = thread_keep_progress())) {
        progress->object = made;
        return CALL_AGAIN;
    }
    if (progress)
        progress->object = NULL;
    if (status == STATUS_OK)
        *memory = made;
    else if (made)
        object_release(made);
    return status == STATUS_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

void thread_ready(struct thread *thread)
{
    thread->record.state = THREAD_READY;
    thread->record.endpoint = 0;
    object_reached(thread->process);
    queue_add(&ready_threads, thread);
}

void thread_wake(struct thread *thread, int64_t result)
{
    queue_remove(thread);
    frame_set_result(&thread->frame, result);
    thread_ready(thread);
}

void thread_wait(struct thread *thread, struct thread_queue *queue, enum thread_state state)
{
    /* A collection that has not come to it in the queue that it leaves would not come to it at all. */
    if (thread->record.state == THREAD_READY)
        object_reached(thread->process);
    queue_remove(thread);
    thread->record.state = state;
    if (queue)
        queue_add(queue, thread);
}

void thread_set_aside(struct thread *thread)
{
    queue_remove(thread);
}

void thread_sleep(struct thread *thread, uint64_t nanoseconds)
{
    uint64_t now = clock_since_boot();
    thread->wake_instant = nanoseconds < UINT64_MAX - now ? now + nanoseconds : UINT64_MAX;
    thread_wait(thread, &sleeping_threads, THREAD_SLEEPING);
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
        thread_wait(current_thread, &ready_threads, THREAD_READY);
        current_thread = NULL;
    }
}

static void load(struct thread *thread)
{
    kernel_record.context_switches++;
    if (thread_switches)
        thread_switches();
    if (loaded_thread)
        cpu_fpu_save(loaded_thread->fpu);
    cpu_fpu_load(thread->fpu);
    if (!loaded_thread || loaded_thread->space != thread->space)
        cpu_set_page_table(thread->space->page_table);
    cpu_set_thread_pointer(thread->thread_pointer);
    cpu_set_frame(&thread->frame);
    loaded_thread = thread;
}

bool queue_reach(struct thread_queue *queue)
{
    for (; queue->cursor; queue->cursor = queue->cursor->next) {
        if (!work_left)
            return false;
        work_did(1);
        object_reached(queue->cursor->process);
    }
    return true;
}

bool scheduler_reach(bool begin)
{
    if (begin) {
        ready_threads.cursor = ready_threads.first;
        sleeping_threads.cursor = sleeping_threads.first;
    }
    return queue_reach(&ready_threads) && queue_reach(&sleeping_threads);
}

bool scheduler_waits(void)
{
    return sleeping_threads.first || input_awaited;
}

/* The next that is ready and may run; NULL: none. */
static struct thread *next_thread(void)
{
    while (ready_threads.first && ready_threads.first->handles->closed) {
        if (!work_left)
            return NULL;
        work_did(1);
        thread_set_aside(ready_threads.first);
    }
    return ready_threads.first;
}

struct frame *schedule(void)
{
    /* The running thread stays in the queue of ready threads; it leaves by waiting or by yielding. */
    if (!current_thread || current_thread->record.state != THREAD_READY || current_thread->handles->closed)
        current_thread = next_thread();
    if (!current_thread)
        return NULL;
    if (loaded_thread != current_thread)
        load(current_thread);
    return &current_thread->frame;
}
