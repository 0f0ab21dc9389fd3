/* The phases of a target. */
#include <string.h>

#include "internal.h"

void linker_init(struct linker *linker, const struct target_host *host)
{
    linker->host = host;
    linker->tls_surplus = 1024;
    linker->descriptors = (struct tls_descriptor_names){
        .fixed = "__ambilink_tlsdesc_fixed",
        .dynamic = "__ambilink_tlsdesc_dynamic",
        .absent = "__ambilink_tlsdesc_absent",
    };
    linker->lazy_resolver = "__ambilink_lazy";
    linker->cache = (struct link_cache){0};
    linker->cache_functions = NULL;
    linker->end_cache = NULL;
    linker->batch_count = 0;
}

void linker_end(struct linker *linker, void *context)
{
    const struct link_host host = {.context = context, .release = linker->host->release};
    if (linker->end_cache)
        linker->end_cache(&linker->cache, &host);
}

static void *allocate(void *context, uint64_t *size)
{
    struct target *target = context;
    return host_of(target)->allocate(target->context, size);
}

static void release(void *context, void *block, uint64_t size)
{
    struct target *target = context;
    host_of(target)->release(target->context, block, size);
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *file)
{
    struct target *target = context;
    return host_of(target)->open(target->context, referrer, name, file);
}

static bool report(void *context, const struct report *about)
{
    struct target *target = context;
    const struct target_host *host = host_of(target);
    char few[512], *text = few;
    uint64_t size = report_text(about, few, sizeof few) + 1, taken = size;
    if (size > sizeof few && !(text = host->allocate(target->context, &taken)))
        text = few;
    report_text(about, text, text == few ? sizeof few : size);
    bool goes_on = host->log(target->context, text);
    if (text != few)
        host->release(target->context, text, taken);
    return goes_on;
}

static bool pause_link(void *context)
{
    struct target *target = context;
    return host_of(target)->pause(target->context);
}

static const struct elf_symbol *define(void *context, const char *name, const char *version)
{
    struct target *target = context;
    return host_of(target)->define(target->context, name, version);
}

/* Modules of a start or open that is given up were unmapped before, and never joined the list. */
static void drop(void *context, struct module *module)
{
    struct target *target = context;
    if (!module->committed || target->ending)
        return;
    unmap_module(target, module);
    if (module->host_data)
        describe_gone(target, module);
}

static void find_function(const struct link *link, const char *name, uint64_t *address)
{
    struct link_symbol found;
    if (name && link_find(link, LINK_SCOPE_DEFAULT, NULL, name, NULL, &found))
        *address = found.address;
}

static void find_tls_descriptors(void *context, struct link_tls_descriptors *functions)
{
    const struct target *target = context;
    const struct tls_descriptor_names *names = &target->linker->descriptors;
    find_function(&target->link, names->fixed, &functions->fixed);
    find_function(&target->link, names->dynamic, &functions->dynamic);
    find_function(&target->link, names->absent, &functions->absent);
}

static uint64_t find_lazy_resolver(void *context)
{
    const struct target *target = context;
    uint64_t address = 0;
    find_function(&target->link, target->linker->lazy_resolver, &address);
    return address;
}

void target_init(struct target *target, struct linker *linker, void *context, uint64_t top)
{
    memset(target, 0, sizeof *target);
    target->linker = linker;
    target->context = context;
    target->next_address = top ? top : random_top(target);
    target->link_host = (struct link_host){
        .context = target,
        .memory = allocate,
        .release = release,
        .open = open_file,
        .place = place_module,
        .stage = stage_segment,
        .drop = drop,
        .report = report,
        .define = linker->host->define ? define : NULL,
        .pause = linker->host->pause ? pause_link : NULL,
        .find_tls_descriptors = find_tls_descriptors,
        .find_lazy_resolver = find_lazy_resolver,
    };
    link_init(&target->link, &target->link_host);
}

void target_preload(struct target *target, const char *const *names, size_t count)
{
    target->preload_count = count < TARGET_PRELOADS_MAX ? count : TARGET_PRELOADS_MAX;
    memcpy(target->preload, names, target->preload_count * sizeof *names);
}

/* The rest of the phases for what is fresh. */
static bool finish(struct target *target)
{
    struct link *link = &target->link;
    return link_place(link) && link_relocate(link) && link_order(link);
}

bool link_program(struct target *target, const char *name, const struct file_view *program)
{
    struct link *link = &target->link;
    link->settings.tls_surplus = target->linker->tls_surplus;
    link->settings.lazy = target->is_lazy;
    link->settings.preload = target->preload;
    link->settings.preload_count = target->preload_count;
    link->settings.cache = &target->linker->cache;
    link->settings.cache_functions = target->linker->cache_functions;
    return link_load(link, name, program) && finish(target);
}

bool target_link(struct target *target, const char *name, const struct file_view *program)
{
    target->areas_before = target->areas;
    if (link_program(target, name, program))
        return true;
    target_abandon(target);
    return false;
}

struct start_info *target_describe(struct target *target, const struct shared_area *given)
{
    struct link *link = &target->link;
    struct target_area *block = make_block(target, start_block_size(link), given);
    if (!block) {
        target_abandon(target);
        return NULL;
    }
    block->modules = (unsigned)link->results.module_count;
    return start_block_write(&block->at, link, &target->list);
}

/* Where what a running program opened will be described. */
static bool make_room(struct target *target)
{
    const struct link *link = &target->link;
    if (!target->list || !link->results.fresh || link->results.fresh == link->results.first)
        return true;
    target->opened = target_area_make(target, module_list_size(link), PROT_READ_ONLY);
    if (!target->opened)
        host_of(target)->log(target->context, "no memory to describe what was opened");
    return target->opened;
}

bool target_map(struct target *target)
{
    if (make_room(target) && map_fresh(target))
        return true;
    target_abandon(target);
    return false;
}

void target_commit(struct target *target)
{
    struct link *link = &target->link;
    if (target->opened) {
        for (const struct module *module = link->results.fresh; module; module = module->next)
            target->opened->modules++;
        module_list_append(&target->opened->at, link, target->list);
        target->opened = NULL;
    }
    link_commit(link);
    end_staging(target);
    while (host_of(target)->moves && target->areas != target->areas_before)
        target_area_close(target, target->areas);
    target->areas_before = target->areas;
    target->placed = target->filled = target->mapped = 0;
}

void target_abandon(struct target *target)
{
    unmap_fresh(target);
    link_abandon(&target->link);
    end_staging(target);
    free_new_areas(target);
}

struct module *target_open(struct target *target, const char *name, unsigned flags)
{
    target->areas_before = target->areas;
    if (!target->opens_below)
        target->opens_below = target->next_address;
    struct module *module = link_open(&target->link, name, flags);
    if (module && (!target->link.results.fresh || finish(target)))
        return module;
    target_abandon(target);
    return NULL;
}

bool target_close(struct target *target, struct module *module)
{
    return link_close(&target->link, module);
}

void target_sweep(struct target *target)
{
    link_sweep(&target->link);
}

void target_end(struct target *target)
{
    target->ending = true;
    target->linker->batch_count = 0;
    end_staging(target);
    link_end(&target->link);
    forget_areas(target);
}
