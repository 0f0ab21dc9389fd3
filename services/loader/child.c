/* The processes that this service made. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>

#include "loader.h"

struct child *child_find(uint64_t number)
{
    for (struct child *child = loader.children; child; child = child->next)
        if (child->number == number)
            return child;
    return NULL;
}

/* What is loaded where, kept for those who ask later. */
static bool record_modules(struct child *child, const struct link *link)
{
    child->modules = calloc(link->image_count, sizeof *child->modules);
    if (!child->modules)
        return false;
    for (const struct image *image = link->first; image; image = image->next) {
        struct module *module = &child->modules[child->module_count];
        *module = (struct module){
            .name = strdup(image->name),
            .base = image->bias,
            .low = image->low,
            .high = image->high,
        };
        for (unsigned i = 0; i < image->segment_count; i++)
            *(image->segments[i].flags & PF_W ? &module->private : &module->shared) += image->segments[i].pages_size;
        if (!module->name)
            return false;
        child->module_count++;
    }
    return true;
}

static void child_free(struct child *child)
{
    if (child->process) {
        sys_process_end(child->process, STATUS_INVALID);
        sys_handle_close(child->process);
    }
    for (size_t i = 0; i < child->module_count; i++)
        free(child->modules[i].name);
    free(child->modules);
    free(child);
}

static bool link_and_run(struct child *child)
{
    struct remote remote;
    const struct image_file *program = archive_file(&loader.archive, child->service->file);
    bool good = remote_link(&remote, child->process, child->name, program) && remote_commit(&remote);
    if (good && !record_modules(child, &remote.link)) {
        say("%s: no memory to remember its modules", child->name);
        good = false;
    }
    if (good) {
        uint64_t stack = start_block_make(&remote, child);
        int64_t thread = stack ? sys_thread_create(child->process, link_entry(&remote.link), stack, 0) : STATUS_NO_MEMORY;
        if (thread < 0) {
            say("%s: cannot be started, status %lld", child->name, (long long)thread);
            good = false;
        } else {
            sys_handle_close((handle_t)thread);
        }
    }
    remote_finish(&remote);
    return good;
}

struct child *child_start(const struct image_service *service, bool at_boot)
{
    struct child *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    child->service = service;
    child->name = archive_string(&loader.archive, service->name);
    child->at_boot = at_boot;
    int64_t process = sys_process_create(child->name, strlen(child->name));
    if (process < 0) {
        say("%s: no process for it, status %lld", child->name, (long long)process);
        child_free(child);
        return NULL;
    }
    child->process = (handle_t)process;
    child->number = loader.next_number++;
    sys_process_watch(child->process, loader.endpoint, child->number);
    if (!link_and_run(child)) {
        child_free(child);
        return NULL;
    }
    *loader.last = child;
    loader.last = &child->next;
    say("%s started: process %llu, %zu objects", child->name, (unsigned long long)child->number, child->module_count);
    return child;
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
        sys_handle_close(child->process);
        child->process = 0;
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
