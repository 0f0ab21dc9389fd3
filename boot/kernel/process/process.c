#include "process/process.h"

#include "base/bytes.h"
#include "base/life.h"
#include "base/log.h"
#include "base/record.h"
#include "base/report.h"
#include "base/work.h"
#include "memory/budgets.h"
#include "memory/guard.h"
#include "memory/pool.h"
#include "object/futex.h"

#define FIRST_PROCESS 1 /* the loader service: without it nothing is started or answered */

static uint64_t process_numbers;
static struct process *first_process;
static struct process *first_ending, **last_ending = &first_ending;
static struct process *first_ended, **last_ended = &first_ended;

static struct process *process_of(uint64_t record)
{
    return (struct process *)(record - offsetof(struct process, record));
}

static struct thread *thread_of(uint64_t record)
{
    return (struct thread *)(record - offsetof(struct thread, record));
}

/* Lists of records lead from the newest on; `link` is what leads to a record, so that it can leave. */
static void unlink_process(struct process *process)
{
    *process->record_link = process->record.next;
    if (process->record.next)
        process_of(process->record.next)->record_link = process->record_link;
    process->record_link = NULL;
}

static void unlink_thread(struct thread *thread)
{
    trie_remove(&thread->by_number);
    *thread->record_link = thread->record.next;
    if (thread->record.next)
        thread_of(thread->record.next)->record_link = thread->record_link;
}

/* A thread that its process' list does not keep any more. */
static void release_thread(struct thread *thread)
{
    thread->process = NULL;
    thread->process_record = NULL;
    thread->space = NULL;
    thread->handles = NULL;
    thread->share = NULL;
    object_release(thread);
}

/* They are dead: a thread that lives keeps its process. False: work ran out. */
static bool release_threads(struct process *process)
{
    while (process->record.threads) {
        if (!work_left)
            return false;
        work_did(1);
        struct thread *thread = thread_of(process->record.threads);
        process->record.threads = thread->record.next;
        release_thread(thread);
    }
    return true;
}

/* Nothing more is taken for it: so what its budget has left over is others' again, though it may be looked at for long. */
static void leave_budget(struct process *process)
{
    if (process->has_left)
        return;
    process->has_left = true;
    budget_leave(process->budget);
}

static void link_ended(struct process *process)
{
    process->ended_link = last_ended;
    *last_ended = process;
    last_ended = &process->next_ended;
}

static void unlink_ended(struct process *process)
{
    *process->ended_link = process->next_ended;
    if (process->next_ended)
        process->next_ended->ended_link = process->ended_link;
    else
        last_ended = process->ended_link;
    process->ended_link = NULL;
    process->next_ended = NULL;
}

static bool process_destroy(void *object)
{
    struct process *process = object;
    if (process->record_link)
        unlink_process(process);
    if (process->ended_link)
        unlink_ended(process);
    if (!handle_close_all(&process->handles) || !release_threads(process) || !space_end(&process->space))
        return false;
    if (process->watcher)
        object_release(process->watcher);
    leave_budget(process);
    pool_free(process);
    return true;
}

/* The last handle outside of it may be gone, and a reference stays: of a thread, or of a handle that the process holds
 * itself or that another holds which is as lost. */
static void process_handle_closed(void *object, uint32_t rights)
{
    const struct process *process = object;
    (void)rights;
    if (process->record.state == PROCESS_ALIVE && process->object.references > 1)
        collection_due = true;
}

static void process_reached(void *object)
{
    struct process *process = object;
    if (process->record.state == PROCESS_ALIVE && reach_first(&process->reach, process))
        process->next_reach = 0;
}

const struct object_type process_type = {
    .destroy = process_destroy,
    .handle_closed = process_handle_closed,
    .reached = process_reached,
};

#define REACHED_PER_UNIT 4 /* handles: cheaper than clearing a page */

bool process_reach(struct process *process)
{
    if (process->watcher)
        object_reached(process->watcher);
    if (process->starting)
        object_reached(process->starting);
    for (; process->next_reach < process->handles.end; process->next_reach++) {
        if (!work_left)
            return false;
        const struct handle_slot *slot = handle_slot(&process->handles, (handle_t)process->next_reach + 1);
        if (slot)
            object_reached(slot->object);
        if (process->next_reach % REACHED_PER_UNIT == 0)
            work_did(1);
    }
    return true;
}

struct process *process_first(void)
{
    return first_process;
}

/* Processes that are dying stay in the list until their end is begun, and nothing may keep them. */
static struct process *process_from(uint64_t record)
{
    while (record && !process_of(record)->object.references)
        record = process_of(record)->record.next;
    return record ? process_of(record) : NULL;
}

struct process *process_newest(void)
{
    return process_from(kernel_record.processes);
}

struct process *process_before(const struct process *process)
{
    return process_from(process->record.next);
}

struct process *process_create(struct budget *budget, const char *name, size_t length)
{
    struct process *process = pool_alloc(budget, sizeof *process);
    if (!process || !space_init(&process->space, budget)) {
        if (process)
            pool_free(process);
        return NULL;
    }
    budget_join(budget);
    process->object = (struct object){.type = &process_type, .references = 1};
    process->budget = process->handles.budget = budget;
    turns_init(&process->share.turns, budget->turns);
    process->record.number = ++process_numbers;
    process->record.page_table = process->space.page_table;
    memory_copy(process->record.name, name, length < PROCESS_NAME_MAX ? length : PROCESS_NAME_MAX - 1);
    process->record.next = kernel_record.processes;
    process->record_link = &kernel_record.processes;
    if (process->record.next)
        process_of(process->record.next)->record_link = &process->record.next;
    kernel_record.processes = (uint64_t)&process->record;
    reach_new(&process->reach);
    if (process->record.number == FIRST_PROCESS)
        first_process = process;
    life_begin(&process->record);
    return process;
}

struct process *process_create_limited(struct budget *parent, struct cost limit, const char *name, size_t length)
{
    struct budget *budget = budget_create(parent, name, limit);
    if (!budget)
        return NULL;
    budget_join(budget);
    struct process *process = process_create(budget, name, length);
    budget_leave(budget); /* without a process this is its end */
    return process;
}

bool process_watch(struct process *process, struct endpoint *endpoint, uint64_t badge)
{
    struct endpoint *before = process->watcher;
    if (before && before->receive_handles)
        return false;
    object_retain(endpoint);
    if (before)
        object_release(before);
    object_reached(endpoint);
    process->watcher = endpoint;
    process->notice.badge = badge;
    return true;
}

/* Never inlined, never empty to the compiler: a machine stops here. */
__attribute__((noinline)) void process_begins(void)
{
    __asm__ volatile("" ::: "memory");
}

struct thread *process_start_thread(struct process *process, uint64_t entry, uint64_t stack, uint64_t argument)
{
    struct thread *thread = thread_create(process->budget, entry, stack, argument);
    if (!thread)
        return NULL;
    thread->process = process;
    thread->process_record = &process->record;
    thread->space = &process->space;
    thread->handles = &process->handles;
    thread->share = &process->share;
    turns_init(&thread->turn, &process->share.turns);
    if (!process->live_threads)
        thread->own_priority = process->share.priority_max;
    else if (current_thread && current_thread->process == process)
        thread->own_priority = current_thread->own_priority;
    thread_set_priority(thread, thread->own_priority);
    thread->record.next = process->record.threads;
    thread->record_link = &process->record.threads;
    if (thread->record.next)
        thread_of(thread->record.next)->record_link = &thread->record.next;
    process->record.threads = (uint64_t)&thread->record;
    trie_add(&process->share.threads, &thread->by_number, thread->record.number);
    object_retain(process); /* while the thread lives */
    if (!process->live_threads++) {
        kernel_record.beginning = (uint64_t)&process->record;
        life_reach(&process->record, LIFE_BEGUN);
        process_begins();
    }
    thread_ready(thread);
    return thread;
}

void process_allow_priority(struct process *process, unsigned priority)
{
    process->share.priority_max = priority;
}

void process_end_thread(struct thread *thread)
{
    struct process *process = thread->process;
    thread_stop(thread);
    if (--process->live_threads == 0) {
        process_end(process, PROCESS_EXITED, 0); /* and keeps its last thread, to be looked at */
    } else {
        unlink_thread(thread);
        release_thread(thread);
    }
    object_release(process);
}

static void notify_watcher(struct process *process)
{
    struct notice *notice = &process->notice;
    notice->owner = process;
    notice->word[0] = MESSAGE_PROCESS_EXITED;
    notice->word[1] = process->record.state;
    notice->word[2] = (uint64_t)process->record.exit_status;
    notice->word[3] = process->record.number;
    endpoint_notify(process->watcher, notice);
}

/* The threads that it had when it ended; false: work ran out. */
static bool stop_threads(struct process *process)
{
    for (; process->next_to_stop; process->next_to_stop = thread_of(process->next_to_stop)->record.next) {
        if (!work_left)
            return false;
        work_did(1);
        struct thread *thread = thread_of(process->next_to_stop);
        if (thread->record.state == THREAD_DEAD)
            continue;
        if (!futex_abandon(thread))
            return false;
        thread_stop(thread);
        process->live_threads--;
        object_release(process);
    }
    return true;
}

void process_end(struct process *process, unsigned state, int64_t status)
{
    if (process->record.state != PROCESS_ALIVE)
        return;
    if (process->record.number == FIRST_PROCESS) {
        log_format("kernel: the first process ended with status %d\n", status);
        machine_end(VERDICT_FAIL);
    }
    object_retain(process);
    process->record.state = state;
    process->record.exit_status = status;
    process->handles.closed = true;
    process->next_to_stop = process->record.threads;
    process->next_ending = NULL;
    *last_ending = process;
    last_ending = &process->next_ending;
    work_waiting++;
    life_reach(&process->record, LIFE_ENDED);
}

void processes_work(void)
{
    while (first_ending && work_left) {
        struct process *process = first_ending;
        work_did(1);
        if (!stop_threads(process) || !handle_close_all(&process->handles))
            return;
        if (process->watcher)
            notify_watcher(process);
        leave_budget(process);
        link_ended(process);
        first_ending = process->next_ending;
        if (!first_ending)
            last_ending = &first_ending;
        work_waiting--;
        object_release(process);
    }
}

bool processes_give_back(void)
{
    struct process *process = first_ended;
    while (process && !budget_helps(process->budget))
        process = process->next_ended;
    if (!process)
        return false;
    process->record.page_table = 0;
    if (space_end(&process->space))
        unlink_ended(process);
    return true;
}

static struct process *find_damaged(void)
{
    struct process *process = process_newest();
    while (process && !process->space.damaged)
        process = process_before(process);
    return process;
}

void process_end_damaged(void)
{
    page_guard.damage = false;
    for (struct process *process; (process = find_damaged());) {
        process->space.damaged = false;
        if (report_begins(process->budget))
            log_format("kernel: %s (process %u) needs a page that is damaged, and is ended\n", process->record.name,
                       process->record.number);
        process_end(process, PROCESS_FAULTED, STATUS_CORRUPT);
    }
}
