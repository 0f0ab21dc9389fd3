#include "start.h"

#include <hostlink/archive.h>
#include <hostlink/start_stack.h>

#include "authority.h"
#include "log.h"

static bool grant(const struct child *child, struct start_info *info, enum start_handle which, enum port_authority authority,
                  const char *what)
{
    struct loader *loader = child->space.loader;
    int64_t status = port_grant(loader->port, child->space.port, authority, child->number, &info->handle[which]);
    if (status < 0)
        report(loader, "%s: cannot be given %s, status %lld", child->name, what, (long long)status);
    return status >= 0;
}

bool start_block_finish(const struct child *child, struct start_info *info)
{
    uint32_t grants = child->service->grants;
    bool is_registry = child->at_boot && authority_is_registry(child->space.loader, child->service);
    bool sees_image = grants & IMAGE_GRANT_IMAGE;
    enum port_authority image = grants & IMAGE_GRANT_PARTS ? PORT_IMAGE_PARTS : PORT_IMAGE;
    info->flags |= child->given.id ? START_MAY_BE_GIVEN : 0;
    info->image_size = sees_image ? child->space.loader->archive.size : 0;
    return grant(child, info, START_HANDLE_SELF, PORT_SELF, "itself") &&
           grant(child, info, START_HANDLE_LOADER, PORT_LOADER, "the loader service") &&
           grant(child, info, START_HANDLE_NAMES, is_registry ? PORT_NAMES_SERVE : PORT_NAMES, "the registry") &&
           (!(grants & IMAGE_GRANT_LOG) || grant(child, info, START_HANDLE_SYSTEM, PORT_LOG, "the log")) &&
           (!(grants & IMAGE_GRANT_INPUT) || grant(child, info, START_HANDLE_INPUT, PORT_INPUT, "the keys")) &&
           (!sees_image || grant(child, info, START_HANDLE_IMAGE, image, "the boot image"));
}

/* The stack with what the program finds there, and its pointer; NULL: reported. */
static struct target_area *make_stack(struct child *child, const struct start_values *values, uint64_t *pointer)
{
    struct loader *loader = child->space.loader;
    struct archive_arguments arguments;
    struct start_stack stack = {
        .name = child->name,
        .program_headers = values->program_headers,
        .program_header_count = values->program_header_count,
        .entry = values->entry,
        .start_info = values->info,
        .random = {port_random(loader->port), port_random(loader->port)},
    };
    archive_fill_stack(&loader->archive, child->service, &arguments, &stack);
    struct target_area *area = target_stack_make(&child->target, child->service->stack_size, start_stack_size(&stack));
    *pointer = area ? start_stack_write(&area->at, &stack) : 0;
    if (!area)
        report(loader, "%s: no memory for its stack", child->name);
    else if (!*pointer)
        report(loader, "%s: arguments, environment and auxiliary vector take up more than half of its stack of %u bytes: "
               "give it a larger one", child->name, child->service->stack_size);
    return *pointer ? area : NULL;
}

bool start_run(struct child *child, const struct start_values *values)
{
    struct loader *loader = child->space.loader;
    struct target *target = &child->target;
    uint64_t pointer;
    struct target_area *stack = make_stack(child, values, &pointer);
    if (!stack) {
        target_abandon(target);
        return false;
    }
    if (!target_map(target))
        return false;
    target_area_close(target, stack);
    target_commit(target);
    int64_t status = port_thread_start(loader->port, child->space.port, values->entry, pointer);
    if (status < 0)
        report(loader, "%s: cannot be started, status %lld", child->name, (long long)status);
    return status >= 0;
}
