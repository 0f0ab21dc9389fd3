#include "child.h"

#include "heap.h"
#include "log.h"

struct child *child_create(struct loader *loader, const struct image_service *service, bool at_boot)
{
    struct child *child = heap_zeroed(loader, sizeof *child);
    const char *name = archive_string(&loader->archive, service->name);
    if (!child) {
        report(loader, "%s: no memory to start it", name);
        return NULL;
    }
    child->service = service;
    child->name = name;
    child->at_boot = at_boot;
    child->space.loader = loader;
    child->space.service = name;
    return child;
}

void child_begin(struct child *child, struct port_space space, uint64_t number, uint64_t top)
{
    child->space.port = space;
    child->number = number;
    target_init(&child->target, &child->space.loader->linker, &child->space, top);
    const char *names[IMAGE_PRELOADS_MAX];
    child->target.is_lazy = child->service->binding == IMAGE_BINDING_LAZY;
    target_preload(&child->target, names, archive_preloads(&child->space.loader->archive, child->service, names));
}

void child_end(struct child *child)
{
    struct space *space = &child->space;
    if (space->port.id)
        port_space_close(space->loader->port, space->port);
    space->port.id = 0;
    if (child->target.linker)
        target_end(&child->target);
    child->target.linker = NULL;
    space_set_error(space, NULL);
}

void child_drop_gift(struct child *child)
{
    port_gift_drop(child->space.loader->port, child->given);
    child->given.id = 0;
}

void child_destroy(struct child *child)
{
    struct loader *loader = child->space.loader;
    child_end(child);
    child_drop_gift(child);
    child_forget_modules(child);
    port_free(loader->port, child, sizeof *child);
}

void child_add(struct loader *loader, struct child *child)
{
    *loader->last_child = child;
    loader->last_child = &child->next;
}

void child_forget(struct child *child)
{
    struct loader *loader = child->space.loader;
    struct child **link = &loader->children;
    while (*link != child)
        link = &(*link)->next;
    *link = child->next;
    if (loader->last_child == &child->next)
        loader->last_child = link;
    child_destroy(child);
}

struct child *child_find(const struct loader *loader, uint64_t number)
{
    for (struct child *child = loader->children; child; child = child->next)
        if (child->number == number)
            return child;
    return NULL;
}

struct child *child_at(const struct loader *loader, uint64_t index)
{
    struct child *child = loader->children;
    while (child && index--)
        child = child->next;
    return child;
}

const struct image_file *child_program(const struct child *child)
{
    return archive_file(&child->space.loader->archive, child->service->file);
}

void child_forget_modules(struct child *child)
{
    struct loader *loader = child->space.loader;
    for (size_t i = 0; i < child->module_count; i++)
        heap_free_string(loader, child->modules[i].name);
    if (child->modules)
        port_free(loader->port, child->modules, child->module_limit * sizeof *child->modules);
    child->modules = NULL;
    child->module_count = child->module_limit = 0;
}
