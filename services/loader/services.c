#include "services.h"

#include <hostlink/archive.h>
#include <protocol/loader.h>

#include "adopt.h"
#include "authority.h"
#include "image_files.h"
#include "log.h"
#include "modules.h"
#include "packed.h"
#include "start.h"
#include "wait.h"

static bool is_system_linked(const struct image_service *service)
{
    return service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
}

static struct child *add(struct loader *loader, struct child *child)
{
    child_add(loader, child);
    if (child->at_boot && child->service->role == IMAGE_SERVICE_PROGRAM)
        loader->programs_running++;
    if (child->service->linker != IMAGE_LINKER_INTERP)
        report(loader, "%s started: process %llu, %zu objects", child->name, (unsigned long long)child->number,
               child->object_count);
    else
        report(loader, "%s started: process %llu, which links itself", child->name, (unsigned long long)child->number);
    return child;
}

/* The system makes the process, and links it or maps its interpreter. */
static bool start_by_system(struct child *child, struct port_space payer)
{
    struct loader *loader = child->space.loader;
    struct port_process process;
    int64_t status = port_start(loader->port, (uint32_t)(child->service - loader->archive.services), payer, &process);
    if (status < 0) {
        report(loader, "%s: the system cannot start it, status %lld", child->name, (long long)status);
        return false;
    }
    adopt_process(child, &process);
    return true;
}

/* Link the program here, and let it run: takes `space`. False: reported. */
static bool link_and_run(struct child *child, struct port_space space, uint64_t number)
{
    struct loader *loader = child->space.loader;
    struct target *target = &child->target;
    const struct image_file *program = child_program(child);
    const struct file_view view = archive_view(&loader->archive, program);
    child_begin(child, space, number, 0);
    if (!image_file_check(loader, program) || !target_link(target, image_file_name(loader, program), &view))
        return false;
    struct start_info *info = target_describe(target, NULL);
    if (!info)
        report(loader, "%s: no memory for its start block", child->name);
    if (!info || !start_block_finish(child, info))
        return false;
    const struct link *link = &target->link;
    const struct start_values values = {
        .entry = link_entry(link),
        .program_headers = link->results.first->header_count ? link->results.first->bias + link->results.first->headers_address : 0,
        .program_header_count = link->results.first->header_count,
        .info = target->block->at.there,
    };
    child->object_count = link->results.module_count;
    return start_run(child, &values);
}

/* What the manifest says; else its starter's, and at boot a share. */
static struct port_budget budget_of(const struct child *child, struct port_space payer)
{
    const struct port_boot *boot = &child->space.loader->boot;
    const struct image_service *service = child->service;
    if (payer.id && !service->memory && !service->kernel_memory)
        return (struct port_budget){.payer = payer, .priority = service->priority};
    return (struct port_budget){
        .priority = service->priority,
        .memory = service->memory ? service->memory : boot->share_memory,
        .kernel_memory = service->kernel_memory ? service->kernel_memory : boot->share_kernel_memory,
    };
}

static bool start_here(struct child *child, struct port_space payer)
{
    struct loader *loader = child->space.loader;
    const struct port_budget budget = budget_of(child, payer);
    struct port_space space;
    uint64_t number;
    int64_t status = port_space_create(loader->port, child->name, &budget, &space, &number);
    if (status < 0) {
        report(loader, "%s: no process for it, status %lld", child->name, (long long)status);
        return false;
    }
    bool is_packed = child->service->linker == IMAGE_LINKER_PACK;
    return (is_packed ? packed_run : link_and_run)(child, space, number);
}

struct child *service_start(struct loader *loader, const struct image_service *service, bool at_boot, struct port_space payer,
                            struct port_gift gift)
{
    struct child *child = child_create(loader, service, at_boot);
    if (!child) {
        port_gift_drop(loader->port, gift);
        return NULL;
    }
    child->given = gift;
    if (service->calls == IMAGE_CALLS_LINUX)
        child_drop_gift(child); /* it would not ask, and its starter would wait */
    if (!(is_system_linked(service) ? start_by_system : start_here)(child, payer)) {
        child_destroy(child);
        return NULL;
    }
    return add(loader, child);
}

static bool adopt(struct loader *loader, const struct port_process *process)
{
    struct child *child = child_create(loader, &loader->archive.services[process->service], true);
    if (!child) {
        port_space_close(loader->port, process->space);
        if (process->block.id)
            port_memory_release(loader->port, &process->block);
        return false;
    }
    adopt_process(child, process);
    add(loader, child);
    return true;
}

static void adopt_all(struct loader *loader)
{
    struct port_process process;
    int64_t status;
    while ((status = port_next_started(loader->port, &process)) != PORT_NOT_FOUND) {
        const struct image_service *service = &loader->archive.services[process.service];
        if (status < 0)
            report(loader, "%s: no memory to remember it, status %lld", archive_string(&loader->archive, service->name),
                   (long long)status);
        if (status < 0 || !adopt(loader, &process))
            loader->failed = true;
    }
}

void services_boot(struct loader *loader)
{
    adopt_all(loader);
    for (uint32_t i = 0; i < loader->archive.header->service_count; i++) {
        const struct image_service *service = &loader->archive.services[i];
        if (service->role == IMAGE_SERVICE_ON_DEMAND || is_system_linked(service))
            continue;
        if (!service_start(loader, service, true, (struct port_space){0}, (struct port_gift){0}))
            loader->failed = true;
    }
    port_booted(loader->port);
}

/* How many that a process started run, or have ended; *first is the first of these. */
static unsigned count_started(const struct loader *loader, uint64_t starter, bool runs, struct child **first)
{
    unsigned count = 0;
    for (struct child *child = loader->children; child; child = child->next)
        if (child->starter == starter && (child->state == CHILD_RUNS) == runs && !count++)
            *first = child;
    return count;
}

int64_t services_start_for(struct loader *loader, struct child *caller, const struct image_service *service,
                           struct port_gift gift, struct child **started)
{
    struct child *first;
    if (!authority_may_start(caller, service)) {
        port_gift_drop(loader->port, gift);
        return PORT_NO_RIGHT;
    }
    if (count_started(loader, caller->number, true, &first) >= LOADER_STARTED_MAX) {
        if (authority_reports(caller))
            report(loader, "%s: %u processes that it started run, and no more may", caller->name, LOADER_STARTED_MAX);
        port_gift_drop(loader->port, gift);
        return PORT_LIMIT;
    }
    *started = service_start(loader, service, false, caller->space.port, gift);
    if (!*started)
        return PORT_INVALID;
    (*started)->starter = caller->number;
    return PORT_OK;
}

/* No process will ask for the ends of what this process started. */
static void disown(struct loader *loader, uint64_t starter)
{
    for (struct child *child = loader->children, *next; child; child = next) {
        next = child->next;
        if (child->starter != starter)
            continue;
        child->starter = 0;
        if (child->state != CHILD_RUNS)
            child_forget(child);
    }
}

/* Of those that ended the last LOADER_ENDED_MAX of a starter are remembered, so that a late LOADER_WAIT is answered. */
static void forget_oldest(struct loader *loader, uint64_t starter)
{
    struct child *first = NULL;
    if (starter && count_started(loader, starter, false, &first) > LOADER_ENDED_MAX)
        child_forget(first);
}

/* What follows from any end. An address space that is not of the boot goes. */
static void settle(struct loader *loader, struct child *child, bool gives_back)
{
    child_drop_gift(child);
    wait_ended(loader, child);
    disown(loader, child->number);
    if (child->at_boot && child->service->role == IMAGE_SERVICE_PROGRAM)
        loader->programs_running--;
    if (gives_back) {
        modules_of(child);
        child_end(child);
    }
    uint64_t starter = child->starter;
    if (!child->at_boot && !starter)
        child_forget(child);
    forget_oldest(loader, starter);
}

void services_stop(struct loader *loader, struct child *child)
{
    child->state = CHILD_STOPPED;
    settle(loader, child, true); /* what the system reports of the end finds that it is known */
}

void services_ended(struct loader *loader, const struct port_event *event)
{
    struct child *child = child_find(loader, event->number);
    if (!child || child->state != CHILD_RUNS)
        return;
    child->state = event->faulted ? CHILD_FAULTED : event->signalled ? CHILD_SIGNALLED : CHILD_EXITED;
    child->exit_status = event->status;
    bool is_program = child->service->role == IMAGE_SERVICE_PROGRAM;
    if (child->at_boot && (event->faulted || event->status != 0 || !is_program)) {
        report(loader, "%s %s %lld", child->name, event->faulted ? "was ended for a fault, status" :
               event->signalled ? "was ended by signal" : "exited, status", (long long)event->status);
        loader->failed = true;
    }
    settle(loader, child, !child->at_boot);
}
