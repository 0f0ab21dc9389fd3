/* What a new process finds when it starts: the start block (<ambilink/start.h>) and its stack. */
#include <ambilink/start.h>
#include <rtld/elf.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define RANDOM_SIZE 16
#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

/* Memory that is written here and read there: `here` is this process' view of the child's `there`. */
struct area {
    uint8_t *here;
    uint64_t there, size, used;
};

static bool area_make(struct remote *remote, struct area *area, uint64_t size, unsigned prot)
{
    size = (size + PAGE_MASK) & ~PAGE_MASK;
    uint64_t there = remote_reserve(remote, size, AMBILINK_PAGE_SIZE);
    int64_t memory = there ? sys_memory_create(size) : STATUS_NO_MEMORY;
    if (memory < 0)
        return false;
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    int64_t here = sys_process_map(self, (handle_t)memory, 0, size, 0, PROT_READ_WRITE);
    int64_t mapped = here < 0 ? here : sys_process_map(remote->process, (handle_t)memory, 0, size, there, prot);
    sys_handle_close((handle_t)memory);
    if (mapped < 0) {
        if (here > 0)
            sys_process_unmap(self, (uint64_t)here, size);
        return false;
    }
    *area = (struct area){.here = (uint8_t *)here, .there = there, .size = size};
    return true;
}

static void area_close(struct area *area)
{
    sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)area->here, area->size);
}

/* Append bytes; the address they have in the child. The caller computed the size of all before. */
static uint64_t area_put(struct area *area, const void *bytes, uint64_t size)
{
    uint64_t at = area->used;
    memcpy(area->here + at, bytes, size);
    area->used = (at + size + 15) & ~15ull;
    return area->there + at;
}

static uint64_t area_put_string(struct area *area, const char *text)
{
    return area_put(area, text, strlen(text) + 1);
}

static uint64_t rounded(uint64_t size)
{
    return (size + 15) & ~15ull;
}

static uint64_t block_size(const struct link *link)
{
    uint64_t size = rounded(sizeof(struct start_info)) + rounded(link->image_count * sizeof(struct start_module)) +
                    rounded(link->initializer_count * 8) + rounded(link->finalizer_count * 8) +
                    rounded(link->tls_count * sizeof(struct start_tls)) + RANDOM_SIZE;
    for (const struct image *image = link->first; image; image = image->next)
        size += rounded(strlen(image->name) + 1);
    return size;
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

static uint64_t put_modules(struct area *block, const struct link *link)
{
    uint64_t modules = block->there + block->used;
    struct start_module *here = (struct start_module *)(block->here + block->used);
    block->used += rounded(link->image_count * sizeof *here);
    for (const struct image *image = link->first; image; image = image->next)
        *here++ = (struct start_module){
            .base = image->bias,
            .program_headers = image->header_count ? image->bias + image->headers_address : 0,
            .program_header_count = image->header_count,
            .dynamic = image->dynamic_address ? image->bias + image->dynamic_address : 0,
            .name = area_put_string(block, image->name),
            .tls_module = image->tls_module,
        };
    return modules;
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
        block->used += sizeof template;
    }
    block->used = rounded(block->used);
    return templates;
}

static void fill_block(struct area *block, const struct remote *remote, const struct child *child, uint64_t *random)
{
    const struct link *link = &remote->link;
    struct start_info *info = (struct start_info *)block->here;
    block->used = rounded(sizeof *info);
    *info = (struct start_info){
        .magic = START_MAGIC,
        .flags = START_LINKED,
        .module_count = link->image_count,
        .initializer_count = link->initializer_count,
        .finalizer_count = link->finalizer_count,
        .tls_count = link->tls_count,
        .tls_size = link->tls_size,
        .tls_align = link->tls_align,
        .image_size = child->service->grants & IMAGE_GRANT_IMAGE ? loader.archive.size : 0,
    };
    grant_handles(remote, child, info->handle);
    info->modules = put_modules(block, link);
    info->initializers = area_put(block, link->initializers, link->initializer_count * 8);
    info->finalizers = area_put(block, link->finalizers, link->finalizer_count * 8);
    info->tls = put_tls(block, link);
    uint64_t words[RANDOM_SIZE / 8] = {random_word(), random_word()};
    *random = area_put(block, words, sizeof words);
}

/* Arguments, environment and auxiliary vector below the strings; the System V layout. */
static uint64_t fill_stack(struct area *stack, const struct link *link, const struct child *child, uint64_t info,
                           uint64_t random)
{
    const struct image_service *service = child->service;
    uint64_t words[2 * IMAGE_ARGUMENTS_MAX + 32];
    size_t count = 0;
    uint64_t strings = strlen(child->name) + 1 + 15;
    for (uint32_t i = 0; i < service->argument_count; i++)
        strings += rounded(strlen(archive_string(&loader.archive, service->argument[i])) + 1);
    for (uint32_t i = 0; i < service->environment_count; i++)
        strings += rounded(strlen(archive_string(&loader.archive, service->environment[i])) + 1);
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
        AT_PHDR, link->first->header_count ? link->first->bias + link->first->headers_address : 0,
        AT_PHENT, sizeof(struct elf_segment),
        AT_PHNUM, link->first->header_count,
        AT_PAGESZ, AMBILINK_PAGE_SIZE,
        AT_BASE, 0,
        AT_ENTRY, link_entry(link),
        AT_RANDOM, random,
        AT_EXECFN, name,
        AT_START, info,
        AT_NULL, 0,
    };
    memcpy(words + count, vector, sizeof vector);
    count += sizeof vector / sizeof *vector;
    uint64_t at = ((stack->size - strings) & ~15ull) - rounded(count * sizeof *words);
    memcpy(stack->here + at, words, count * sizeof *words);
    return stack->there + at;
}

uint64_t start_block_make(struct remote *remote, const struct child *child)
{
    struct area block, stack;
    if (!area_make(remote, &block, block_size(&remote->link), PROT_READ_ONLY))
        return 0;
    uint64_t random;
    fill_block(&block, remote, child, &random);
    uint64_t pointer = 0;
    if (area_make(remote, &stack, child->service->stack_size, PROT_READ_WRITE)) {
        pointer = fill_stack(&stack, &remote->link, child, block.there, random);
        area_close(&stack);
    }
    area_close(&block);
    return pointer;
}
