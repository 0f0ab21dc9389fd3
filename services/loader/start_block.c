/* What a new process finds when it starts: the start block (<ambilink/start.h>) and its stack. */
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

static handle_t grant(const struct remote *remote, handle_t handle, uint32_t rights, uint64_t badge)
{
    int64_t granted = handle ? sys_process_grant(remote->process, handle, rights, badge) : 0;
    return granted > 0 ? (handle_t)granted : 0;
}

static void grant_handles(const struct remote *remote, const struct child *child, handle_t handles[START_HANDLE_COUNT])
{
    const struct image_service *service = child->service;
    bool is_registry = strcmp(child->name, "names") == 0;
    handles[START_HANDLE_SELF] = grant(remote, remote->process, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    handles[START_HANDLE_LOADER] = grant(remote, loader.endpoint, RIGHT_CALL, child->number);
    handles[START_HANDLE_NAMES] = grant(remote, loader.names, is_registry ? RIGHT_RECEIVE : RIGHT_CALL, child->number);
    if (service->grants & IMAGE_GRANT_LOG)
        handles[START_HANDLE_SYSTEM] = grant(remote, sys_start_handle(START_HANDLE_SYSTEM), RIGHT_LOG, 0);
    if (service->grants & IMAGE_GRANT_IMAGE)
        handles[START_HANDLE_IMAGE] = grant(remote, sys_start_handle(START_HANDLE_IMAGE), RIGHT_READ, 0);
}

void start_block_finish(const struct remote *remote, const struct child *child, struct start_info *info)
{
    grant_handles(remote, child, info->handle);
    info->image_size = child->service->grants & IMAGE_GRANT_IMAGE ? loader.archive.size : 0;
}

bool start_block_make(struct remote *remote, const struct child *child, struct start_values *values)
{
    struct link *link = &remote->link;
    struct area *block = remote->block = area_make(remote, start_block_size(link), PROT_READ_ONLY);
    if (!block) {
        say("%s: no memory for its start block", child->name);
        return false;
    }
    start_block_finish(remote, child, start_block_write(&block->at, link, &remote->list));
    block->modules = (unsigned)link->results.module_count;
    *values = (struct start_values){
        .entry = link_entry(link),
        .program_headers = link->results.first->header_count ? link->results.first->bias + link->results.first->headers_address : 0,
        .program_header_count = link->results.first->header_count,
        .info = block->at.there,
    };
    return true;
}

bool start_block_extend(struct remote *remote)
{
    struct area *area = area_make(remote, module_list_size(&remote->link), PROT_READ_ONLY);
    if (!area)
        return false;
    for (const struct module *module = remote->link.results.fresh; module; module = module->next)
        area->modules++;
    module_list_append(&area->at, &remote->link, remote->list);
    return true;
}

uint64_t start_stack_make(struct remote *remote, const struct child *child, const struct start_values *values)
{
    struct area *area = area_make(remote, child->service->stack_size, PROT_READ_WRITE);
    if (!area) {
        say("%s: no memory for its stack", child->name);
        return 0;
    }
    struct start_stack stack = {
        .name = child->name,
        .program_headers = values->program_headers,
        .program_header_count = values->program_header_count,
        .entry = values->entry,
        .start_info = values->info,
        .random = {random_word(), random_word()},
    };
    struct archive_arguments arguments;
    archive_fill_stack(&loader.archive, child->service, &arguments, &stack);
    uint64_t pointer = start_stack_write(&area->at, &stack);
    if (!pointer)
        say("%s: arguments, environment and auxiliary vector take up more than half of its stack of %u bytes: "
            "give it a larger one",
            child->name, child->service->stack_size);
    area_free(remote, area, false);
    return pointer;
}
