#include "process/process.h"

#include "base/bytes.h"
#include "base/life.h"
#include "base/log.h"
#include "base/record.h"
#include "memory/pool.h"

#define FIRST_PROCESS 1 /* the loader service: without it nothing is started or answered */

static uint64_t process_numbers;

static struct process *process_of(uint64_t record)
{
    return (struct process *)(record - offsetof(struct process, record));
}

static struct thread *thread_of(uint64_t record)
{
    return (struct thread *)(record - offsetof(struct thread, record));
}

static void unlink_record(struct process *process)
{
    uint64_t *link = &kernel_record.processes;
    while (*link != (uint64_t)&process->record)
        link = &process_of(*link)->record.next;
    *link = process->record.next;
}

static void process_destroy(void *object)
{
    struct process *process = object;
    unlink_record(process);
    handle_close_all(&process->handles);
    while (process->record.threads) {
        struct thread *thread = thread_of(process->record.threads);
        process->record.threads = thread->record.next;
        thread->process = NULL;
        thread->process_record = NULL;
        thread->space = NULL;
        thread->handles = NULL;
        object_release(thread);
    }
    space_end(&process->space);
    if (process->linux_state)
        object_release(process->linux_state);
    if (process->watcher)
        object_release(process->watcher);
    pool_free(process, sizeof *process);
}

const struct object_type process_type = {.destroy = process_destroy};

struct process *process_create(const char *name, size_t length)
{
    struct process *process = pool_alloc(sizeof *process);
    if (!process)
        return NULL;
    if (!space_init(&process->space)) {
        pool_free(process, sizeof *process);
        return NULL;
    }
    process->object = (struct object){&process_type, 1};
    process->record.number = ++process_numbers;
    process->record.page_table = process->space.page_table;
    memory_copy(process->record.name, name, length < PROCESS_NAME_MAX ? length : PROCESS_NAME_MAX - 1);
    process->record.next = kernel_record.processes;
    kernel_record.processes = (uint64_t)&process->record;
    life_begin(&process->record);
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
    struct thread *thread = thread_create(entry, stack, argument);
    if (!thread)
        return NULL;
    thread->process = process;
    thread->process_record = &process->record;
    thread->space = &process->space;
    thread->handles = &process->handles;
    thread->record.next = process->record.threads;
    process->record.threads = (uint64_t)&thread->record;
    object_retain(process); /* while the thread lives */
    if (!process->live_threads++) {
        kernel_record.beginning = (uint64_t)&process->record;
        life_reach(&process->record, LIFE_BEGUN);
        process_begins();
    }
    thread_ready(thread);
    return thread;
}

void process_end_thread(struct thread *thread)
{
    if (thread->record.state == THREAD_DEAD)
        return;
    struct process *process = thread->process;
    thread_stop(thread);
    if (--process->live_threads == 0)
        process_end(process, PROCESS_EXITED, 0);
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
    life_reach(&process->record, LIFE_ENDED);
    for (uint64_t record = process->record.threads; record;) {
        struct thread *thread = thread_of(record);
        record = thread->record.next;
        process_end_thread(thread);
    }
    handle_close_all(&process->handles);
    if (process->watcher)
        notify_watcher(process);
    object_release(process);
}
