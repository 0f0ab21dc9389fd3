/* What a new process finds when it starts: the start block (<ambilink/start.h>) and its stack. */
#include <ambilink/start.h>
#include <rtld/elf.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define RANDOM_SIZE 16

static uint64_t block_size(const struct remote *remote)
{
    const struct link *link = &remote->link;
    uint64_t relro_count;
    return area_rounded(sizeof(struct start_info)) + area_rounded(sizeof(struct start_link)) + modules_size(remote) +
           area_rounded(link->initializer_count * 8) + area_rounded(link->finalizer_count * 8) +
           area_rounded(link->tls_count * sizeof(struct start_tls)) + resolvers_size(remote, &relro_count) + RANDOM_SIZE;
}

uint64_t resolvers_size(const struct remote *remote, uint64_t *relro_count)
{
    *relro_count = 0;
    for (const struct image *image = remote->link.fresh; image; image = image->next)
        for (unsigned i = 0; i < image->segment_count; i++)
            *relro_count += remote_waits(remote, image, &image->segments[i]);
    return area_rounded(remote->link.resolver_count * sizeof(struct start_resolver)) +
           area_rounded(*relro_count * sizeof(struct start_range));
}

void resolvers_fill(const struct remote *remote, struct start_resolver *resolvers, struct start_range *relro)
{
    for (size_t i = 0; i < remote->link.resolver_count; i++) {
        const struct link_resolver *resolver = &remote->link.resolvers[i];
        *resolvers++ = (struct start_resolver){resolver->place, resolver->resolver, resolver->addend};
    }
    for (const struct image *image = remote->link.fresh; image; image = image->next)
        for (unsigned i = 0; i < image->segment_count; i++) {
            const struct segment *segment = &image->segments[i];
            if (remote_waits(remote, image, segment))
                *relro++ = (struct start_range){image->bias + segment->relro_address, segment->relro_size};
        }
}

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

static uint64_t put_tls(struct area *block, const struct link *link)
{
    uint64_t templates = block->there + block->used;
    for (const struct image *image = link->first; image; image = image->next) {
        if (!image->tls_module)
            continue;
        struct start_tls template = {
            .image = image->bias + image->tls_image,
            .image_size = image->tls_image_size,
            .size = image->tls_size,
            .align = image->tls_align,
            .offset = (uint64_t)-image->tls_offset,
        };
        memcpy(block->here + block->used, &template, sizeof template);
        block->used += sizeof template; /* an array: rounded at its end */
    }
    block->used = area_rounded(block->used);
    return templates;
}

void start_block_finish(const struct remote *remote, const struct child *child, struct start_info *info)
{
    grant_handles(remote, child, info->handle);
    info->image_size = child->service->grants & IMAGE_GRANT_IMAGE ? loader.archive.size : 0;
}

static bool fill_block(struct area *block, struct remote *remote, const struct child *child, uint64_t *random)
{
    const struct link *link = &remote->link;
    struct start_info *info = (struct start_info *)block->here;
    block->used = area_rounded(sizeof *info);
    *info = (struct start_info){
        .magic = START_MAGIC,
        .flags = START_LINKED,
        .module_count = link->image_count,
        .initializer_count = link->initializer_count,
        .finalizer_count = link->finalizer_count,
        .tls_count = link->tls_count,
        .tls_size = link->tls_size,
        .tls_align = link->tls_align,
    };
    start_block_finish(remote, child, info);
    info->link = block->there + block->used;
    remote->list = (struct start_link *)(block->here + block->used);
    block->used += area_rounded(sizeof *remote->list);
    struct link_symbol breakpoint;
    if (link_find(link, LINK_SCOPE_DEFAULT, NULL, "_dl_debug_state", NULL, &breakpoint))
        remote->list->breakpoint = breakpoint.address;
    link_set_debugger(&remote->link, info->link);
    if (!modules_put(remote, block))
        return false;
    info->initializers = area_put(block, link->initializers, link->initializer_count * 8);
    info->finalizers = area_put(block, link->finalizers, link->finalizer_count * 8);
    info->tls = put_tls(block, link);
    uint64_t resolvers = area_rounded(link->resolver_count * sizeof(struct start_resolver));
    uint64_t all = resolvers_size(remote, &info->relro_count);
    info->resolver_count = link->resolver_count;
    info->resolvers = block->there + block->used;
    info->relro = info->resolvers + resolvers;
    resolvers_fill(remote, (struct start_resolver *)(block->here + block->used),
                   (struct start_range *)(block->here + block->used + resolvers));
    block->used += all;
    uint64_t words[RANDOM_SIZE / 8] = {random_word(), random_word()};
    *random = area_put(block, words, sizeof words);
    return true;
}

/* Arguments, environment and auxiliary vector below the strings; the System V layout. */
static uint64_t fill_stack(struct area *stack, const struct child *child, const struct start_values *values)
{
    const struct image_service *service = child->service;
    uint64_t words[2 * IMAGE_ARGUMENTS_MAX + 32];
    size_t count = 0;
    uint64_t strings = strlen(child->name) + 1 + 15;
    for (uint32_t i = 0; i < service->argument_count; i++)
        strings += area_rounded(strlen(archive_string(&loader.archive, service->argument[i])) + 1);
    for (uint32_t i = 0; i < service->environment_count; i++)
        strings += area_rounded(strlen(archive_string(&loader.archive, service->environment[i])) + 1);
    if (strings + sizeof words > stack->size / 2)
        return 0;
    stack->used = (stack->size - strings) & ~15ull;

    uint64_t name = area_put_string(stack, child->name);
    words[count++] = service->argument_count + 1;
    words[count++] = name;
    for (uint32_t i = 0; i < service->argument_count; i++)
        words[count++] = area_put_string(stack, archive_string(&loader.archive, service->argument[i]));
    words[count++] = 0;
    for (uint32_t i = 0; i < service->environment_count; i++)
        words[count++] = area_put_string(stack, archive_string(&loader.archive, service->environment[i]));
    words[count++] = 0;
    const uint64_t vector[] = {
        AT_PHDR, values->program_headers,
        AT_PHENT, sizeof(struct elf_segment),
        AT_PHNUM, values->program_header_count,
        AT_PAGESZ, AMBILINK_PAGE_SIZE,
        AT_BASE, 0,
        AT_ENTRY, values->entry,
        AT_RANDOM, values->random,
        AT_EXECFN, name,
        AT_START, values->info,
        AT_NULL, 0,
    };
    memcpy(words + count, vector, sizeof vector);
    count += sizeof vector / sizeof *vector;
    uint64_t at = ((stack->size - strings) & ~15ull) - area_rounded(count * sizeof *words);
    memcpy(stack->here + at, words, count * sizeof *words);
    return stack->there + at;
}

bool start_block_make(struct remote *remote, const struct child *child, struct start_values *values)
{
    const struct image *program = remote->link.first;
    remote->block = area_make(remote, block_size(remote), PROT_READ_ONLY);
    *values = (struct start_values){
        .entry = link_entry(&remote->link),
        .program_headers = program->header_count ? program->bias + program->headers_address : 0,
        .program_header_count = program->header_count,
        .info = remote->block ? remote->block->there : 0,
    };
    return remote->block && fill_block(remote->block, remote, child, &values->random);
}

uint64_t start_stack_make(struct remote *remote, const struct child *child, const struct start_values *values)
{
    struct area *stack = area_make(remote, child->service->stack_size, PROT_READ_WRITE);
    if (!stack)
        return 0;
    uint64_t pointer = fill_stack(stack, child, values);
    area_free(remote, stack, false);
    return pointer;
}
