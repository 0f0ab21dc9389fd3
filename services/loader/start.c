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

/* The initial stack pointer, or 0: reported. */
static uint64_t write_stack(const struct child *child, const struct target_area *area, const struct start_values *values)
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
    uint64_t pointer = start_stack_write(&area->at, &stack);
    if (!pointer)
        report(loader, "%s: arguments, environment and auxiliary vector take up more than half of its stack of %u bytes: "
               "give it a larger one", child->name, child->service->stack_size);
    return pointer;
}

bool start_run(struct child *child, const struct start_values *values)
{
    struct loader *loader = child->space.loader;
    struct target *target = &child->target;
    struct target_area *stack = target_area_make(target, child->service->stack_size, PORT_READ | PORT_WRITE);
    if (!stack)
        report(loader, "%s: no memory for its stack", child->name);
    uint64_t pointer = stack ? write_stack(child, stack, values) : 0;
    if (!pointer) {
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
