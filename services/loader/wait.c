#include "wait.h"

#include <protocol/loader.h>
#include <string.h>

#include "authority.h"
#include "heap.h"
#include "log.h"

struct wait {
    struct wait *next;
    uint64_t client;
    struct port_reply reply;
    uint64_t number;                /* of the process whose end is waited for; 0: a name is, or any that it started */
    bool is_any;
    char name[LOADER_PROCESS_NAME_MAX];
};

/* NULL: refused, and answered. */
static struct wait *add(struct loader *loader, const struct port_event *request)
{
    unsigned count = 0;
    struct wait **last = &loader->waits;
    for (; *last; last = &(*last)->next)
        count += (*last)->client == request->number;
    struct wait *wait = count < LOADER_WAITS_MAX ? heap_zeroed(loader, sizeof *wait) : NULL;
    if (!wait) {
        port_reply(loader->port, request->reply, count < LOADER_WAITS_MAX ? PORT_NO_MEMORY : PORT_LIMIT, NULL);
        return NULL;
    }
    wait->client = request->number;
    wait->reply = request->reply;
    *last = wait;
    return wait;
}

/* Answer one, and go on behind it. */
static void finish(struct loader *loader, struct wait **link, int64_t status, const struct port_answer *answer)
{
    struct wait *wait = *link;
    *link = wait->next;
    port_reply(loader->port, wait->reply, status, answer);
    port_free(loader->port, wait, sizeof *wait);
}

static struct port_answer end_of(const struct child *child)
{
    return (struct port_answer){.word = {0, child->state, (uint64_t)child->exit_status, child->number}};
}

void wait_for_end(struct loader *loader, const struct port_event *request, uint64_t number)
{
    const struct child *child = child_find(loader, number);
    if (!child) {
        port_reply(loader->port, request->reply, PORT_NOT_FOUND, NULL);
    } else if (child->state != CHILD_RUNS) {
        const struct port_answer end = end_of(child);
        port_reply(loader->port, request->reply, PORT_OK, &end);
    } else {
        struct wait *wait = add(loader, request);
        if (wait)
            wait->number = number;
    }
}

void wait_for_any(struct loader *loader, const struct port_event *request)
{
    bool runs = false;
    for (struct child *child = loader->children; child; child = child->next) {
        if (child->starter != request->number)
            continue;
        runs |= child->state == CHILD_RUNS;
        if (child->state == CHILD_RUNS || child->reported)
            continue;
        const struct port_answer end = end_of(child);
        child->reported = true;
        port_reply(loader->port, request->reply, PORT_OK, &end);
        return;
    }
    struct wait *wait = runs ? add(loader, request) : NULL;
    if (wait)
        wait->is_any = true;
    else if (!runs)
        port_reply(loader->port, request->reply, PORT_NOT_FOUND, NULL);
}

static void report_never(const struct loader *loader, uint64_t client, const char *name)
{
    struct child *child = child_find(loader, client);
    if (authority_reports(child))
        report(loader, "%s (process %llu) waited for '%s', which no service will register", child->name,
               (unsigned long long)client, name);
}

void wait_for_name(struct loader *loader, const struct port_event *request, const char *name)
{
    bool is_known = false;
    if (strlen(name) >= LOADER_PROCESS_NAME_MAX) {
        port_reply(loader->port, request->reply, PORT_NOT_FOUND, NULL);
    } else if (authority_registered(loader, name)) {
        port_reply(loader->port, request->reply, PORT_OK, NULL);
    } else if (!authority_may_come(loader, name, &is_known)) {
        report_never(loader, request->number, name);
        port_reply(loader->port, request->reply, is_known ? PORT_GONE : PORT_NOT_FOUND, NULL);
    } else {
        struct wait *wait = add(loader, request);
        if (wait)
            strcpy(wait->name, name);
    }
}

void wait_registered(struct loader *loader, const char *name)
{
    for (struct wait **link = &loader->waits; *link;)
        if (!(*link)->number && !(*link)->is_any && strcmp((*link)->name, name) == 0)
            finish(loader, link, PORT_OK, NULL);
        else
            link = &(*link)->next;
}

void wait_ended(struct loader *loader, struct child *child)
{
    const struct port_answer end = end_of(child);
    bool is_known;
    for (struct wait **link = &loader->waits; *link;) {
        const struct wait *wait = *link;
        if (wait->client == child->number) {
            finish(loader, link, PORT_GONE, NULL);
        } else if (wait->number == child->number) {
            finish(loader, link, PORT_OK, &end);
        } else if (wait->is_any && wait->client == child->starter && !child->reported) {
            child->reported = true;
            finish(loader, link, PORT_OK, &end);
        } else if (!wait->number && !wait->is_any && !authority_may_come(loader, wait->name, &is_known)) {
            report_never(loader, wait->client, wait->name);
            finish(loader, link, PORT_GONE, NULL);
        } else {
            link = &(*link)->next;
        }
    }
}

void wait_give_up(struct loader *loader)
{
    while (loader->waits)
        finish(loader, &loader->waits, PORT_GONE, NULL);
}
