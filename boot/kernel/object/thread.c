#include "object/thread.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/work.h"
#include "memory/pool.h"

struct thread *current_thread;
bool input_awaited;
bool sleepers_are_left;
static struct heap alarms; /* of threads that sleep */
static struct thread *loaded_thread; /* whose FPU state and address space the CPU holds */
static uint64_t thread_numbers;
static uint64_t armed;    /* when the timer interrupts next, by the clock since boot */
static uint64_t turn_end; /* when the running thread's turn ends */
#define TURN 10000000 /* nanoseconds */
static struct turns urgent[PRIORITY_MAX + 1]; /* roots, by priority; [0] is unused */
static uint32_t urgent_ready;                 /* a bit for each of those that has a thread */

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

static void take_turns(struct thread *thread)
{
    thread->has_turns = true;
    turns_add(&thread->turn);
    if (thread->priority) {
        urgent_ready |= 1u << thread->priority;
        thread->share->urgent++;
    }
}

static void leave_turns(struct thread *thread)
{
    thread->has_turns = false;
    turns_remove(&thread->turn);
    if (!thread->priority)
        return;
    if (!urgent[thread->priority].first)
        urgent_ready &= ~(1u << thread->priority);
    thread->share->urgent--;
}

void thread_set_priority(struct thread *thread, unsigned priority)
{
    const bool is_ready = thread->has_turns;
    if (priority == thread->priority)
        return;
    if (is_ready)
        leave_turns(thread);
    thread->priority = priority;
    turns_init(&thread->turn, priority ? &urgent[priority] : &thread->share->turns);
    if (is_ready)
        take_turns(thread);
}

void thread_inherit_priority(struct thread *thread, unsigned priority)
{
    if (thread->priority < priority)
        thread_set_priority(thread, priority);
}

static unsigned higher(unsigned priority, unsigned other)
{
    return priority > other ? priority : other;
}

void thread_restore_priority(struct thread *thread)
{
    const unsigned most = thread->share->priority_max;
    unsigned priority = thread->own_priority;
    if (thread->contested)
        priority = higher(priority, thread->priority < most ? thread->priority : most);
    if (thread->lender)
        priority = higher(priority, thread->lender->priority);
    thread_set_priority(thread, priority);
}

void thread_lend_priority(struct thread *caller, struct thread *receiver)
{
    if (receiver->priority >= caller->priority)
        return;
    caller->borrower = receiver;
    receiver->lender = caller;
    thread_set_priority(receiver, caller->priority);
}

void thread_end_loan(struct thread *thread)
{
    if (!thread->lender)
        return;
    thread->lender->borrower = NULL;
    thread->lender = NULL;
    thread_restore_priority(thread);
}

/* From wherever it is ready or waits; a time-out stays. */
static void leave_place(struct thread *thread)
{
    if (thread->has_turns) {
        leave_turns(thread);
    } else if (thread->queue) {
        queue_remove(thread);
    } else if (thread->waiter.next) {
        waiter_remove(&thread->waiter);
    }
}

static void leave(struct thread *thread)
{
    leave_place(thread);
    if (thread->has_alarm) {
        heap_remove(&alarms, &thread->alarm);
        thread->has_alarm = false;
        thread->share->sleepers--;
    }
    if (thread->borrower)
        thread_end_loan(thread->borrower);
}

/* No answer reaches it any more. */
static void leave_reply(struct thread *thread)
{
    if (thread->caller_link)
        *thread->caller_link = NULL;
    thread->caller_link = NULL;
}

static bool thread_destroy(void *object)
{
    struct thread *thread = object;
    if (loaded_thread == thread)
        loaded_thread = NULL;
    pool_free(thread);
    return true;
}

const struct object_type thread_type = {.destroy = thread_destroy};

struct thread *thread_create(struct budget *budget, uint64_t entry, uint64_t stack, uint64_t argument)
{
    struct thread *thread = pool_alloc(budget, sizeof *thread);
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
    leave(thread);
    leave_reply(thread);
    thread_end_loan(thread);
    thread_forget_progress(thread);
    thread->record.state = THREAD_DEAD;
    if (current_thread == thread)
        current_thread = NULL;
}

struct progress *thread_keep_progress(void)
{
    struct thread *thread = current_thread;
    if (!thread->progress) {
        thread->progress = &thread->own_progress;
        *thread->progress = (struct progress){0};
        frame_call(&thread->frame, thread->progress->call);
    }
    return thread->progress;
}

void thread_forget_progress(struct thread *thread)
{
    struct progress *progress = thread->progress;
    if (!progress)
        return;
    if (progress->object)
        object_release(progress->object);
    thread->progress = NULL;
}

static struct memory *begin_memory(struct budget *budget, uint64_t size, uint64_t growth)
{
    return growth ? memory_begin_growing(budget, size, growth - MEMORY_GROWS) : memory_begin(budget, size);
}

int64_t thread_make_memory(struct budget *budget, uint64_t size, uint64_t growth, struct memory **memory)
{
    struct progress *progress = current_thread->progress;
    struct memory *made = progress && progress->object ? progress->object : begin_memory(budget, size, growth);
    int64_t status = made ? memory_grow(made) : STATUS_NO_MEMORY;
    if (status == CALL_AGAIN) {
        thread_keep_progress()->object = made;
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
    take_turns(thread);
}

void thread_wake(struct thread *thread, int64_t result)
{
    leave(thread);
    frame_set_result(&thread->frame, result);
    thread_ready(thread);
}

void thread_wait(struct thread *thread, struct thread_queue *queue, enum thread_state state)
{
    /* A collection that has not come to its process might find nothing there that runs. */
    if (thread->record.state == THREAD_READY)
        object_reached(thread->process);
    leave_place(thread);
    thread->record.state = state;
    if (queue)
        queue_add(queue, thread);
}

void thread_set_aside(struct thread *thread)
{
    leave(thread);
}

static void arm(uint64_t now, uint64_t until)
{
    const uint64_t span = until > now ? until - now : 0;
    armed = now + (span < CLOCK_SPAN_MAX ? span : CLOCK_SPAN_MAX);
    clock_arm(span);
}

static void set_alarm(struct thread *thread, uint64_t deadline, uint64_t now)
{
    heap_add(&alarms, &thread->alarm, deadline);
    thread->has_alarm = true;
    thread->share->sleepers++;
    if (deadline < armed)
        arm(now, deadline);
}

void thread_wait_until(struct thread *thread, uint64_t deadline)
{
    set_alarm(thread, deadline, deadline < armed ? clock_since_boot() : 0);
}

void thread_sleep(struct thread *thread, uint64_t nanoseconds)
{
    uint64_t now = clock_since_boot();
    thread_wait(thread, NULL, THREAD_SLEEPING);
    set_alarm(thread, nanoseconds < UINT64_MAX - now ? now + nanoseconds : UINT64_MAX, now);
}

struct thread *thread_by_number(const struct share *share, uint64_t number)
{
    struct trie_node *node = trie_find(&share->threads, number);
    struct thread *thread = node ? (struct thread *)((uint8_t *)node - offsetof(struct thread, by_number)) : NULL;
    return thread && thread->record.state != THREAD_DEAD ? thread : NULL;
}

static struct thread *thread_of(struct heap_node *alarm)
{
    return (struct thread *)((uint8_t *)alarm - offsetof(struct thread, alarm));
}

#define WAKES_PER_UNIT 4

/* False: work ran out. */
static bool wake_until(uint64_t now)
{
    for (unsigned woken = 0; alarms.least && alarms.least->key <= now; woken++) {
        if (!work_left)
            return false;
        if (woken % WAKES_PER_UNIT == 0)
            work_did(1);
        struct thread *thread = thread_of(alarms.least);
        leave_reply(thread);
        thread_wake(thread, thread->record.state == THREAD_SLEEPING ? STATUS_OK : STATUS_TIMED_OUT);
    }
    return true;
}

static void wake_sleepers(uint64_t now)
{
    const bool were_left = sleepers_are_left;
    if (!alarms.least && !were_left)
        return;
    sleepers_are_left = !wake_until(now);
    work_waiting += sleepers_are_left;
    work_waiting -= were_left;
}

void scheduler_wake_sleepers(void)
{
    wake_sleepers(clock_since_boot());
}

/* What is due next, where it is before `latest`. Sleepers whose time has come are left work: nothing is due for them. */
static uint64_t next_alarm(uint64_t latest)
{
    return alarms.least && !sleepers_are_left && alarms.least->key < latest ? alarms.least->key : latest;
}

bool scheduler_timer(void)
{
    const uint64_t now = clock_since_boot();
    const bool is_over = now >= turn_end;
    wake_sleepers(now);
    if (is_over)
        turn_end = now + TURN;
    arm(now, next_alarm(turn_end));
    return is_over;
}

static void charge(struct thread *thread)
{
    run_time_charge(thread ? &thread->run_counts : NULL, thread && thread->share ? &thread->share->run_counts : NULL);
}

void scheduler_idles(void)
{
    const uint64_t now = clock_since_boot();
    if (run_times_are_kept)
        charge(loaded_thread);
    arm(now, next_alarm(UINT64_MAX));
}

void scheduler_goes_on(void)
{
    const uint64_t now = clock_since_boot();
    turn_end = now + TURN;
    if (run_times_are_kept)
        run_time_charge(NULL, NULL);
    if (turn_end < armed)
        arm(now, turn_end);
}

void thread_yield(void)
{
    if (current_thread && current_thread->record.state == THREAD_READY) {
        turns_pass(&current_thread->turn);
        current_thread = NULL;
    }
}

static void load(struct thread *thread)
{
    kernel_record.context_switches++;
    if (thread_switches)
        thread_switches();
    if (__builtin_expect(run_times_are_kept, 0))
        charge(loaded_thread);
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

bool scheduler_waits(void)
{
    return alarms.least || input_awaited;
}

/* The next that is ready and may run; NULL: none. */
static __attribute__((noinline)) struct thread *next_thread(void)
{
    for (;;) {
        struct turns *turn = urgent_ready ? urgent[31 - __builtin_clz(urgent_ready)].first : turns_first();
        struct thread *thread = turn ? (struct thread *)((uint8_t *)turn - offsetof(struct thread, turn)) : NULL;
        if (!thread || !thread->handles->closed)
            return thread;
        if (!work_left)
            return NULL;
        work_did(1);
        thread_set_aside(thread);
    }
}

struct frame *schedule(void)
{
    /* The running thread stays ready, and the first, until it waits or its turn is over. */
    if (!current_thread || current_thread->record.state != THREAD_READY || current_thread->handles->closed ||
        urgent_ready >> current_thread->priority > 1)
        current_thread = next_thread();
    if (!current_thread)
        return NULL;
    if (loaded_thread != current_thread)
        load(current_thread);
    return &current_thread->frame;
}
