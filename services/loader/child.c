/* The processes that this service made. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

struct child *child_find(uint64_t number)
{
    for (struct child *child = loader.children; child; child = child->next)
        if (child->number == number)
            return child;
    return NULL;
}

void child_forget_modules(struct child *child)
{
    for (size_t i = 0; i < child->module_count; i++)
        free(child->modules[i].name);
    free(child->modules);
    child->modules = NULL;
    child->module_count = 0;
}

static bool record_linked(struct child *child)
{
    const struct link *link = &child->remote.link;
    child->modules = calloc(link->results.module_count, sizeof *child->modules);
    if (!child->modules)
        return false;
    for (const struct module *module = link->results.first; module; module = module->next) {
        struct module_record *record = &child->modules[child->module_count];
        *record = (struct module_record){
            .name = strdup(module->name),
            .base = module->bias,
            .low = module->low,
            .high = module->high,
        };
        for (unsigned i = 0; i < module->segment_count; i++)
            *(module->segments[i].flags & PF_W ? &record->writable : &record->read_only) += module->segments[i].pages_size;
        if (!record->name)
            return false;
        child->module_count++;
    }
    return true;
}

size_t child_modules(struct child *child)
{
    const struct remote *remote = &child->remote;
    /* Of a process that is gone there is what was recorded. */
    if (remote->process && adopt_refresh(child))
        child_forget_modules(child);
    if (remote->process && !child->modules && !(remote->is_strange ? adopt_modules : record_linked)(child))
        child_forget_modules(child);
    return child->module_count;
}

static void child_free(struct child *child)
{
    if (child->remote.process) {
        sys_process_end(child->remote.process, STATUS_INVALID);
        sys_handle_close(child->remote.process);
    }
    remote_end(&child->remote);
    child_forget_modules(child);
    free(child);
}

bool child_run(struct child *child, const struct start_values *values)
{
    struct remote *remote = &child->remote;
    uint64_t stack = start_stack_make(remote, child, values);
    int64_t thread = stack ? sys_thread_create(remote->process, values->entry, stack, 0) : STATUS_NO_MEMORY;
    if (stack && thread < 0)
        say("%s: cannot be started, status %lld", child->name, (long long)thread);
    if (thread < 0)
        return false;
    sys_handle_close((handle_t)thread);
    return true;
}

static bool link_and_run(struct child *child, handle_t process)
{
    struct remote *remote = &child->remote;
    remote_init(remote, process, child->name);
    bool good = remote_link(remote, archive_file(&loader.archive, child->service->file)) && remote_commit(remote);
    if (good) {
        struct start_values values;
        good = start_block_make(remote, child, &values);
        link_commit(&remote->link);
        good = good && child_run(child, &values);
    }
    remote_close_windows(remote);
    return good;
}

static struct child *child_new(const struct image_service *service, bool at_boot)
{
    struct child *child = calloc(1, sizeof *child);
    const char *name = archive_string(&loader.archive, service->name);
    if (!child) {
        say("%s: no memory to start it", name);
        return NULL;
    }
    child->service = service;
    child->name = name;
    child->at_boot = at_boot;
    return child;
}

static struct child *child_add(struct child *child)
{
    *loader.last = child;
    loader.last = &child->next;
    const struct remote *remote = &child->remote;
    size_t count = remote->is_strange ? adopted_count(remote) : remote->link.results.module_count;
    if (child->service->linker != IMAGE_LINKER_INTERP)
        say("%s started: process %llu, %zu objects", child->name, (unsigned long long)child->number, count);
    else
        say("%s started: process %llu, which links itself", child->name, (unsigned long long)child->number);
    return child;
}

void child_take_over(const struct loaded_process *loaded)
{
    const struct image_service *service = &loader.archive.services[loaded->service];
    struct child *child = child_new(service, true);
    if (!child || !adopt_process(child, loaded)) {
        loader.failed = true;
        if (child)
            child_free(child);
        return;
    }
    if (service->role == IMAGE_SERVICE_PROGRAM)
        loader.programs_running++;
    child_add(child);
}

/* The kernel makes the process, and links it or maps its interpreter. */
static bool start_by_kernel(struct child *child)
{
    struct loaded_process loaded;
    int64_t number = sys_service_start(sys_start_handle(START_HANDLE_SYSTEM),
                                       (uint64_t)(child->service - loader.archive.services), &loaded);
    if (number < 0)
        say("%s: the kernel cannot start it, status %lld", child->name, (long long)number);
    return number > 0 && adopt_process(child, &loaded);
}

static bool start_here(struct child *child)
{
    int64_t process = sys_process_create(child->name, strlen(child->name));
    if (process < 0) {
        say("%s: no process for it, status %lld", child->name, (long long)process);
        return false;
    }
    child->number = loader.next_number++;
    sys_process_watch((handle_t)process, loader.endpoint, child->number);
    bool is_packed = child->service->linker == IMAGE_LINKER_PACK;
    return (is_packed ? packed_start : link_and_run)(child, (handle_t)process);
}

struct child *child_start(const struct image_service *service, bool at_boot)
{
    struct child *child = child_new(service, at_boot);
    if (!child)
        return NULL;
    bool is_kernels = service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
    if (!(is_kernels ? start_by_kernel : start_here)(child)) {
        child_free(child);
        return NULL;
    }
    return child_add(child);
}

void child_ended(struct child *child, bool faulted, int64_t status)
{
    child->state = faulted ? CHILD_FAULTED : CHILD_EXITED;
    child->exit_status = status;
    for (size_t i = 0; i < child->waiter_count; i++) {
        struct message answer = {.word = {0, child->state, (uint64_t)status}};
        ipc_answer(child->waiters[i], STATUS_OK, &answer);
    }
    child->waiter_count = 0;
    if (!child->at_boot) {
        /* Its address space goes now; the record stays, so that a late LOADER_WAIT is answered. */
        child_modules(child);
        sys_handle_close(child->remote.process);
        remote_end(&child->remote);
        return;
    }
    bool is_program = child->service->role == IMAGE_SERVICE_PROGRAM;
    if (faulted || status != 0 || !is_program) {
        say("%s %s, status %lld", child->name, faulted ? "was ended for a fault" : "exited", (long long)status);
        loader.failed = true;
    }
    if (is_program)
        loader.programs_running--;
}
