#include "wait.h"

#include "log.h"
#include "modules.h"

static void answer(const struct loader *loader, struct port_reply reply, const struct child *child)
{
    const struct port_answer end = {.word = {0, child->state, (uint64_t)child->exit_status}};
    port_reply(loader->port, reply, PORT_OK, &end);
}

void wait_for(const struct loader *loader, struct port_reply reply, uint64_t number)
{
    struct child *child = child_find(loader, number);
    if (!child)
        port_reply(loader->port, reply, PORT_NOT_FOUND, NULL);
    else if (child->state != CHILD_RUNS)
        answer(loader, reply, child);
    else if (child->waiter_count == WAITERS_MAX)
        port_reply(loader->port, reply, PORT_LIMIT, NULL);
    else
        child->waiters[child->waiter_count++] = reply;
}

__attribute__((noinline)) static void answer_waiters(const struct loader *loader, struct child *child)
{
    for (size_t i = 0; i < child->waiter_count; i++)
        answer(loader, child->waiters[i], child);
    child->waiter_count = 0;
}

void wait_stopped(struct loader *loader, struct child *child)
{
    child->state = CHILD_STOPPED;
    answer_waiters(loader, child);
    if (child->at_boot && child->service->role == IMAGE_SERVICE_PROGRAM)
        loader->programs_running--;
    modules_of(child);
    child_end(child); /* what the system reports of the end finds that it is known */
}

void wait_ended(struct loader *loader, const struct port_event *event)
{
    struct child *child = child_find(loader, event->number);
    if (!child || child->state != CHILD_RUNS)
        return;
    child->state = event->faulted ? CHILD_FAULTED : CHILD_EXITED;
    child->exit_status = event->status;
    answer_waiters(loader, child);
    if (!child->at_boot) {
        /* Its address space goes now; the record stays, so that a late LOADER_WAIT is answered. */
        modules_of(child);
        child_end(child);
        return;
    }
    bool is_program = child->service->role == IMAGE_SERVICE_PROGRAM;
    if (event->faulted || event->status != 0 || !is_program) {
        report(loader, "%s %s, status %lld", child->name, event->faulted ? "was ended for a fault" : "exited",
               (long long)event->status);
        loader->failed = true;
    }
    if (is_program)
        loader->programs_running--;
}
