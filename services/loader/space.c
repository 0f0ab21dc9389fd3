#include "space.h"

#include <hostlink/archive.h>
#include <string.h>

#include "heap.h"
#include "image_files.h"
#include "log.h"

_Static_assert(PORT_READ == PROT_READ_ONLY && (PORT_READ | PORT_WRITE) == PROT_READ_WRITE &&
                   (PORT_READ | PORT_EXECUTE) == PROT_READ_EXECUTE,
               "the library's protections are the port's");

static void *allocate(void *context, uint64_t *size)
{
    const struct space *space = context;
    return port_allocate(space->loader->port, *size);
}

static void release(void *context, void *block, uint64_t size)
{
    const struct space *space = context;
    port_free(space->loader->port, block, size);
}

static bool open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)referrer;
    const struct space *space = context;
    const struct archive *archive = &space->loader->archive;
    const struct image_file *file = archive_find_library(archive, name);
    if (!file || !image_file_check(space->loader, file))
        return false;
    *view = archive_view(archive, file);
    return true;
}

static bool stage(void *context, struct staging *staging)
{
    const struct space *space = context;
    struct port_memory memory;
    int64_t status = port_memory_create(space->loader->port, space->port, staging->size, staging->growth, &memory);
    if (status == PORT_INVALID)
        report(space->loader, "%s: it needs %llu writable bytes at once, more than one memory object has", space->service,
               (unsigned long long)staging->size);
    if (status < 0)
        return false;
    staging->here = memory.view;
    staging->id = memory.id;
    return true;
}

static void unstage(void *context, const struct staging *staging)
{
    const struct space *space = context;
    const struct port_memory memory = {staging->id, staging->here, staging->size};
    port_memory_release(space->loader->port, &memory);
}

void space_set_error(struct space *space, const char *text)
{
    if (space->error)
        heap_free_string(space->loader, space->error);
    space->error = text ? heap_string(space->loader, text) : NULL;
}

static void refuse_mapping(struct space *space, const struct target_mapping *mapping, int64_t status)
{
    space_set_error(space, status == PORT_NO_MEMORY ? "no memory to map it"
                           : status == PORT_OVERLAP ? "something else is mapped where it belongs"
                                                    : "it cannot be mapped where it belongs");
    report(space->loader, "%s: %s cannot be mapped at 0x%llx%s, status %lld", space->service,
           mapping->name ? mapping->name : "its start block or stack", (unsigned long long)mapping->address,
           status == PORT_OVERLAP ? ", where something else is" : "", (long long)status);
}

/* All or none. */
static size_t map(void *context, const struct target_mapping *mappings, size_t count)
{
    struct space *space = context;
    struct port_mapping list[TARGET_BATCH_MAX];
    _Static_assert(TARGET_BATCH_MAX <= PORT_MAP_MAX, "a batch is one call");
    for (size_t i = 0; i < count; i++) {
        const struct target_mapping *mapping = &mappings[i];
        bool is_file = mapping->source == TARGET_FILE;
        list[i] = (struct port_mapping){
            .memory = is_file ? space->loader->boot.image_memory : mapping->staging->id,
            .offset = mapping->offset + (is_file ? mapping->file->file_id : 0),
            .size = mapping->size,
            .address = mapping->address,
            .prot = mapping->prot,
        };
    }
    unsigned failed = 0;
    int64_t status = port_map(space->loader->port, space->port, list, (unsigned)count, &failed);
    if (status < 0)
        refuse_mapping(space, &mappings[failed], status);
    return status < 0 ? 0 : count;
}

static void unmap(void *context, uint64_t address, uint64_t size)
{
    const struct space *space = context;
    if (space->port.id)
        port_unmap(space->loader->port, space->port, address, size);
}

static uint64_t random_number(void *context)
{
    const struct space *space = context;
    return port_random(space->loader->port);
}

static bool log_line(void *context, const char *text)
{
    struct space *space = context;
    if (space->is_request) {
        space_set_error(space, text);
        return false;
    }
    report(space->loader, "%s: %s", space->service, text);
    return true;
}

void space_host_init(struct loader *loader)
{
    loader->host = (struct target_host){
        .allocate = allocate,
        .release = release,
        .open = open_library,
        .stage = stage,
        .unstage = unstage,
        .moves = loader->boot.moves_pages,
        .map = map,
        .unmap = unmap,
        .random = random_number,
        .log = log_line,
    };
    linker_init(&loader->linker, &loader->host);
    linker_use_cache(&loader->linker); /* the image's bytes stay where they are */
}
