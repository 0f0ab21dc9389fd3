/* Starting a process and ending it. */
#include <hostlink/start_stack.h>
#include <string.h>

#include "internal.h"

#define STACK_SIZE 65536
#define THREAD_CONTROL_SIZE 16

void loader_init(struct loader *loader, const struct loader_port *port, void *context)
{
    memset(loader, 0, sizeof *loader);
    loader->port = port;
    loader->context = context;
    loader->thread_control_size = THREAD_CONTROL_SIZE;
    host_fill(loader);
    linker_init(&loader->linker, &loader->host);
}

void loader_finish(struct loader *loader)
{
    struct loader_process none = {.loader = loader};
    linker_end(&loader->linker, &none);
}

void loader_end(struct loader_process *process)
{
    const struct loader_port *port = process->loader->port;
    if (process->is_made)
        port->process_end(process->loader->context, process->id);
    process->is_made = false;
    if (process->target.linker)
        target_end(&process->target);
    process->target.linker = NULL;
}

/* The stack of System V, where the port has no convention of its own. */
static bool write_stack(struct loader_process *process, const struct shared_area *area, struct loader_thread *thread)
{
    const struct loader_program *program = process->program;
    const struct module *first = process->target.link.results.first;
    const struct loader_port *port = process->loader->port;
    struct start_stack stack = {
        .name = program->name,
        .arguments = program->arguments,
        .argument_count = program->argument_count,
        .environment = program->environment,
        .environment_count = program->environment_count,
        .program_headers = first->header_count ? first->bias + first->headers_address : 0,
        .program_header_count = first->header_count,
        .entry = thread->entry,
        .start_info = thread->start_block,
    };
    for (unsigned i = 0; port->random && i < 2; i++)
        stack.random[i] = port->random(process->loader->context);
    thread->stack_pointer = start_stack_write(area, &stack);
    if (!thread->stack_pointer)
        process_log(process, "its arguments and environment take up more than half of its stack", "");
    return thread->stack_pointer;
}

/* What a new process finds, and where it begins. False: logged; the caller gives back. */
static bool arrange(struct loader_process *process, struct target_area *areas[2], struct loader_thread *thread)
{
    struct loader *loader = process->loader;
    struct target *target = &process->target;
    uint64_t size = process->program->stack_size ? process->program->stack_size : STACK_SIZE;
    thread->entry = link_entry(&target->link);
    thread->start_block = target->block->at.there;
    if (!thread_block_make(process, &areas[1], &thread->thread_pointer))
        return false;
    areas[0] = target_area_make(target, size, PROT_READ_WRITE);
    if (!areas[0]) {
        process_log(process, "no memory for its stack", "");
        return false;
    }
    thread->stack_pointer = areas[0]->at.there + areas[0]->at.size;
    if (!loader->port->arrange)
        return write_stack(process, &areas[0]->at, thread);
    if (loader->port->arrange(loader->context, process, &areas[0]->at, thread))
        return true;
    process_log(process, "what it shall find cannot be written", "");
    return false;
}

static bool link_and_run(struct loader_process *process, const struct file_view *file)
{
    struct loader *loader = process->loader;
    struct target *target = &process->target;
    struct target_area *areas[2] = {NULL, NULL};
    struct loader_thread thread = {0};
    if (!target_link(target, process->program->name, file))
        return false;
    if (!target_describe(target, NULL)) {
        process_log(process, "no memory for its start block", "");
        return false;
    }
    if (!arrange(process, areas, &thread)) {
        target_abandon(target);
        return false;
    }
    if (!target_map(target))
        return false;
    /* The program's alone from here on. */
    for (unsigned i = 0; i < 2; i++)
        if (areas[i])
            target_area_close(target, areas[i]);
    target_commit(target);
    if (loader->port->thread_start(loader->context, process->id, &thread))
        return true;
    process_log(process, "its first thread cannot be started", "");
    return false;
}

bool loader_start(struct loader *loader, struct loader_process *process, const struct loader_program *program)
{
    memset(process, 0, sizeof *process);
    process->loader = loader;
    process->program = program;
    size_t length = strlen(program->name);
    memcpy(process->name, program->name, length < sizeof process->name ? length : sizeof process->name - 1);
    struct file_view file = {0};
    if (!loader->port->find(loader->context, NULL, program->name, &file)) {
        process_log(process, "there is no such program", "");
        return false;
    }
    process->is_made = loader->port->process_make(loader->context, process->name, &process->id);
    if (!process->is_made) {
        process_log(process, "no process can be made for it", "");
        return false;
    }
    target_init(&process->target, &loader->linker, process, loader->address_top);
    bool good = link_and_run(process, &file);
    if (!good)
        loader_end(process);
    process->program = NULL;
    return good;
}
