/* The table that libs/hostlink is given: each function is the port's, for one process. */
#include <string.h>

#include "internal.h"

static const struct loader_port *port_of(const struct loader_process *process)
{
    return process->loader->port;
}

static void *allocate(void *context, uint64_t *size)
{
    struct loader_process *process = context;
    return record_allocate(process->loader, size);
}

static void release(void *context, void *block, uint64_t size)
{
    struct loader_process *process = context;
    record_release(process->loader, block, size);
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *file)
{
    struct loader_process *process = context;
    *file = (struct file_view){0};
    return port_of(process)->find(process->loader->context, referrer ? referrer->name : NULL, name, file);
}

static bool stage(void *context, struct staging *staging)
{
    struct loader_process *process = context;
    return port_of(process)->memory_make(process->loader->context, staging);
}

static void unstage(void *context, const struct staging *staging)
{
    struct loader_process *process = context;
    port_of(process)->memory_free(process->loader->context, staging);
}

static bool give(struct loader_process *process, const struct target_mapping *mapping, const struct staging *memory,
                 uint64_t offset)
{
    const struct loader_mapping wanted = {
        .address = mapping->address,
        .size = mapping->size,
        .memory = memory,
        .offset = offset,
        .prot = mapping->prot,
    };
    return port_of(process)->memory_give(process->loader->context, process->id, &wanted);
}

/* A copy of a file's pages, where the system has no mappings of files. */
static bool give_copy(struct loader_process *process, const struct target_mapping *mapping)
{
    const struct loader_port *port = port_of(process);
    struct staging copy = {.size = mapping->size};
    if (!port->memory_make(process->loader->context, &copy))
        return false;
    const struct file_view *file = mapping->file;
    uint64_t left = mapping->offset < file->size ? file->size - mapping->offset : 0;
    memcpy(copy.here, file->bytes + mapping->offset, left < mapping->size ? left : mapping->size);
    bool good = give(process, mapping, &copy, 0);
    port->memory_free(process->loader->context, &copy);
    return good;
}

static bool give_file(struct loader_process *process, const struct target_mapping *mapping)
{
    const struct loader_port *port = port_of(process);
    if (!port->file_give)
        return give_copy(process, mapping);
    const struct loader_file_mapping wanted = {
        .address = mapping->address,
        .size = mapping->size,
        .file = mapping->file,
        .offset = mapping->offset,
        .prot = mapping->prot,
    };
    return port->file_give(process->loader->context, process->id, &wanted);
}

static size_t map(void *context, const struct target_mapping *mappings, size_t count)
{
    struct loader_process *process = context;
    for (size_t i = 0; i < count; i++) {
        const struct target_mapping *mapping = &mappings[i];
        if (mapping->source == TARGET_FILE ? give_file(process, mapping)
                                           : give(process, mapping, mapping->staging, mapping->offset))
            continue;
        process_log(process, "cannot be given the pages of ", mapping->name ? mapping->name : "its stack or start block");
        return i;
    }
    return count;
}

static void unmap(void *context, uint64_t address, uint64_t size)
{
    struct loader_process *process = context;
    if (process->is_made && port_of(process)->memory_unmap)
        port_of(process)->memory_unmap(process->loader->context, process->id, address, size);
}

static const struct elf_symbol *define(void *context, const char *name, const char *version)
{
    struct loader_process *process = context;
    (void)version;
    return port_of(process)->define(process->loader->context, process->id, name);
}

static uint64_t random_number(void *context)
{
    struct loader_process *process = context;
    return port_of(process)->random ? port_of(process)->random(process->loader->context) : 0;
}

/* Go on, to log all that is missing. */
static bool log_line(void *context, const char *text)
{
    process_log(context, text, "");
    return true;
}

void host_fill(struct loader *loader)
{
    loader->host = (struct target_host){
        .allocate = allocate,
        .release = release,
        .open = open_file,
        .stage = stage,
        .unstage = unstage,
        .moves = !loader->port->shares,
        .map = map,
        .unmap = unmap,
        .define = loader->port->define ? define : NULL,
        .random = random_number,
        .log = log_line,
    };
}
