#include "authority.h"

#include <string.h>

#include "log.h"

#define REPORTS_MAX 4 /* of refusals, for each process: a process cannot fill the log by them */

bool authority_is_registry(const struct loader *loader, const struct image_service *service)
{
    return strcmp(archive_string(&loader->archive, service->name), REGISTRY) == 0;
}

bool authority_reports(struct child *child)
{
    return child && child->refusals < REPORTS_MAX && ++child->refusals;
}

bool authority_granted(const struct child *caller, uint32_t grant)
{
    return caller && caller->service->grants & grant;
}

static bool may_start(const struct loader *loader, const struct image_service *starter, const struct image_service *service)
{
    const char *name = archive_string(&loader->archive, service->name);
    return !authority_is_registry(loader, service) && archive_list_find(&loader->archive, starter->starts, name) >= 0;
}

bool authority_may_start(struct child *caller, const struct image_service *service)
{
    if (!caller)
        return false;
    const struct loader *loader = caller->space.loader;
    const char *name = archive_string(&loader->archive, service->name);
    if (may_start(loader, caller->service, service))
        return true;
    if (!authority_reports(caller))
        return false;
    if (authority_is_registry(loader, service))
        report(loader, "%s may not start %s: it is started once, when the system boots", caller->name, name);
    else
        report(loader, "%s may not start %s: the manifest does not say starts = [\"%s\"]", caller->name, name, name);
    return false;
}

/* Its index among the names that the service may register, or -1. */
static int index_of(const struct loader *loader, const struct image_service *service, const char *name)
{
    int index = *name ? archive_list_find(&loader->archive, service->registers, name) : -1;
    return index < IMAGE_REGISTERS_MAX ? index : -1;
}

/* The running process that has registered the name; NULL: none. */
static struct child *owner_of(const struct loader *loader, const char *name)
{
    for (struct child *child = loader->children; child; child = child->next) {
        int index = child->registered && child->state == CHILD_RUNS ? index_of(loader, child->service, name) : -1;
        if (index >= 0 && child->registered >> index & 1)
            return child;
    }
    return NULL;
}

bool authority_registered(const struct loader *loader, const char *name)
{
    return owner_of(loader, name);
}

static bool may_run(const struct loader *loader, const struct image_service *service)
{
    for (const struct child *child = loader->children; child; child = child->next)
        if (child->state == CHILD_RUNS && (child->service == service || may_start(loader, child->service, service)))
            return true;
    return false;
}

bool authority_may_come(const struct loader *loader, const char *name, bool *is_known)
{
    const struct archive *archive = &loader->archive;
    *is_known = false;
    for (uint32_t i = 0; i < archive->header->service_count; i++) {
        if (index_of(loader, &archive->services[i], name) < 0)
            continue;
        *is_known = true;
        if (may_run(loader, &archive->services[i]))
            return true;
    }
    return false;
}

int64_t authority_register(struct loader *loader, uint64_t number, const char *name, bool is_dead)
{
    struct child *child = child_find(loader, number);
    int index = child && child->state == CHILD_RUNS ? index_of(loader, child->service, name) : -1;
    if (index < 0) {
        if (authority_reports(child))
            report(loader, "%s may not register '%s': the manifest does not say registers = [\"%s\"]", child->name, name, name);
        return PORT_NO_RIGHT;
    }
    if (is_dead)
        authority_unregister(loader, name);
    else if (owner_of(loader, name))
        return PORT_OVERLAP;
    child->registered |= 1ull << index;
    return PORT_OK;
}

void authority_unregister(struct loader *loader, const char *name)
{
    struct child *owner = owner_of(loader, name);
    if (owner)
        owner->registered &= ~(1ull << index_of(loader, owner->service, name));
}
