/* What Python calls: a linker and one target of it. Each function answers 1 for success; struct host has the rest. */
#include <hostlink/start_stack.h>
#include <string.h>

#include "host.h"

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    struct host *host = context;
    (void)referrer;
    if (host_fails(host))
        return false;
    for (uint64_t i = 1; i < host->file_count; i++)
        if (strcmp(host->files[i].name, name) == 0) {
            *view = (struct file_view){.bytes = host->files[i].bytes, .size = host->files[i].size, .file_id = i + 1};
            return true;
        }
    return false;
}

static uint64_t random_word(void *context)
{
    struct host *host = context;
    return split_mix(&host->random);
}

static bool log_line(void *context, const char *text)
{
    struct host *host = context;
    host->messages++;
    memcpy(host->message, text, strlen(text) + 1);
    return true;
}

static bool pause_link(void *context)
{
    struct host *host = context;
    return !host_fails(host) || !log_line(host, "given up");
}

static const struct target_host stages = {
    .allocate = host_allocate,
    .release = host_release,
    .open = open_file,
    .stage = host_stage,
    .unstage = host_unstage,
    .map = host_map,
    .unmap = host_unmap,
    .protect = host_protect,
    .pause = pause_link,
    .random = random_word,
    .log = log_line,
};

static const struct target_host moves = {
    .allocate = host_allocate,
    .release = host_release,
    .open = open_file,
    .stage = host_stage,
    .unstage = host_unstage,
    .moves = true,
    .map = host_map,
    .unmap = host_unmap,
    .protect = host_protect,
    .random = random_word,
    .log = log_line,
};

static const struct target_host lives_there = {
    .allocate = host_allocate,
    .release = host_release,
    .open = open_file,
    .reserve = host_reserve,
    .unreserve = host_unreserve,
    .map = host_map,
    .unmap = host_unmap,
    .protect = host_protect,
    .random = random_word,
    .log = log_line,
};

uint64_t host_size(void)
{
    return sizeof(struct host);
}

void host_init(struct host *host, int caches)
{
    const struct target_host *const tables[] = {&stages, &lives_there, &moves};
    linker_init(&host->linker, tables[host->mode]);
    if (caches)
        linker_use_cache(&host->linker);
    target_init(&host->target, &host->linker, host, 0);
}

static struct file_view program(const struct host *host)
{
    return (struct file_view){.bytes = host->files[0].bytes, .size = host->files[0].size, .file_id = 1};
}

/* The whole of a start; *block: the address of its start_info, *stack: the stack pointer. */
int host_start(struct host *host, uint64_t *block, uint64_t *stack)
{
    struct target *target = &host->target;
    struct file_view view = program(host);
    if (!target_link(target, host->files[0].name, &view))
        return 0;
    struct start_info *info = target_describe(target, NULL);
    if (!info)
        return 0;
    info->handle[START_HANDLE_SELF] = 77;
    *block = target->block->at.there;
    struct target_area *area = target_area_make(target, 0x4000, PROT_READ_WRITE);
    const char *const arguments[] = {"one", "two"};
    const struct start_stack values = {
        .name = host->files[0].name,
        .arguments = arguments,
        .argument_count = 2,
        .entry = link_entry(&target->link),
        .start_info = *block,
    };
    if (!area || !(*stack = start_stack_write(&area->at, &values))) {
        target_abandon(target);
        return 0;
    }
    if (!target_map(target))
        return 0;
    target_commit(target);
    if (host->mode != HOST_MOVES)
        target_area_close(target, area);
    return 1;
}

/* The address of the module's description; 0: refused. */
uint64_t host_open(struct host *host, const char *name)
{
    struct target *target = &host->target;
    struct module *module = target_open(target, name, 0);
    if (!module || !target_map(target))
        return 0;
    target_commit(target);
    return module_list_address(module);
}

/* The same, given up by the caller when all is mapped. */
int host_open_and_abandon(struct host *host, const char *name)
{
    bool good = target_open(&host->target, name, 0) && target_map(&host->target);
    target_abandon(&host->target);
    return good;
}

int host_close(struct host *host, uint64_t handle)
{
    struct module *module = module_list_find(&host->target.link, handle);
    return module && target_close(&host->target, module);
}

void host_sweep(struct host *host)
{
    target_sweep(&host->target);
}

/* Forget the target, then take over what was made there, as if another linker had made it. */
int host_adopt(struct host *host, uint64_t block)
{
    struct target *target = &host->target;
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        struct mapped *mapped = &host->mapped[i];
        if (!mapped->size || mapped->address != block)
            continue;
        mapped->piece->users++;
        host->stagings++;
        struct staging view = {mapped->piece->bytes, mapped->piece->size, (uint64_t)(uintptr_t)mapped->piece};
        target_end(target);
        target_init(target, &host->linker, host, 0x100000000000);
        target_adopt(target, &view, block);
        return target->list && target->linked_elsewhere;
    }
    return 0;
}

int host_relink(struct host *host)
{
    struct file_view view = program(host);
    return target_relink(&host->target, host->files[0].name, &view);
}

void host_end(struct host *host)
{
    target_end(&host->target);
}

/* Also of the linker's. */
void host_end_all(struct host *host)
{
    target_end(&host->target);
    linker_end(&host->linker, host);
    while (host->mode != HOST_LIVES_THERE && host->mappings)
        for (unsigned i = 0; i < RECORDS_MAX; i++)
            if (host->mapped[i].size)
                host_unmap(host, host->mapped[i].address, host->mapped[i].size);
}

/* A word of the target, as a program writes it that may write there. */
void host_write(struct host *host, uint64_t address, uint64_t value)
{
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        const struct mapped *mapped = &host->mapped[i];
        if (mapped->size && mapped->piece && address - mapped->address < mapped->size)
            memcpy(mapped->piece->bytes + (mapped->bytes - mapped->piece->bytes) + (address - mapped->address), &value,
                   sizeof value);
    }
}

/* Bytes of the target; the protection of the page, or -1: nothing is mapped there. */
int host_read(const struct host *host, uint64_t address, uint8_t *to, uint64_t size)
{
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        const struct mapped *mapped = &host->mapped[i];
        uint64_t offset = address - mapped->address;
        if (!mapped->size || offset >= mapped->size || size > mapped->size - offset)
            continue;
        memcpy(to, mapped->bytes + offset, size);
        return (int)mapped->prot;
    }
    return -1;
}
