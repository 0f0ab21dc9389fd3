#include <ambilink/page.h>
#include <hostlink/module_list.h>
#include <hostlink/start_block.h>
#include <string.h>

uint64_t start_block_size(const struct link *link)
{
    uint64_t relro_count;
    return shared_area_rounded(sizeof(struct start_info)) + shared_area_rounded(sizeof(struct start_link)) +
           module_list_size(link) + shared_area_rounded(link->results.initializer_count * 8) +
           shared_area_rounded(link->results.finalizer_count * 8) +
           shared_area_rounded(link->results.sorted_count * sizeof(struct start_object)) + shared_area_rounded(link->results.tls_count * sizeof(struct start_tls)) +
           start_resolvers_size(link, &relro_count);
}

bool relro_waits(const struct link *link, const struct module *module, const struct segment *segment)
{
    uint64_t start = module->bias + segment->relro_address;
    for (size_t i = 0; segment->relro_size && i < link->results.pending_ifunc_count; i++)
        if (link->results.pending_ifuncs[i].place - start < segment->relro_size)
            return true;
    return false;
}

unsigned segment_parts(const struct link *link, const struct module *module, const struct segment *segment,
                      struct segment_part parts[SEGMENT_PARTS_MAX])
{
    bool is_fixed = segment->relro_size && !relro_waits(link, module, segment);
    uint64_t start = is_fixed ? segment->relro_address - segment->page_address : 0;
    uint64_t end = is_fixed ? start + segment->relro_size : 0;
    const struct segment_part all[SEGMENT_PARTS_MAX] = {
        {0, start, PROT_READ_WRITE},
        {start, end - start, PROT_READ_ONLY},
        {end, segment->pages_size - end, PROT_READ_WRITE},
    };
    unsigned count = 0;
    for (unsigned i = 0; i < SEGMENT_PARTS_MAX; i++)
        if (all[i].size)
            parts[count++] = all[i];
    return count;
}

uint64_t start_resolvers_size(const struct link *link, uint64_t *relro_count)
{
    *relro_count = 0;
    for (const struct module *module = link->results.fresh; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++)
            *relro_count += relro_waits(link, module, &module->segments[i]);
    return shared_area_rounded(link->results.pending_ifunc_count * sizeof(struct start_resolver)) +
           shared_area_rounded(*relro_count * sizeof(struct start_range));
}

void start_resolvers_fill(const struct link *link, struct start_resolver *resolvers, struct start_range *relro)
{
    for (size_t i = 0; i < link->results.pending_ifunc_count; i++) {
        const struct pending_ifunc *resolver = &link->results.pending_ifuncs[i];
        *resolvers++ = (struct start_resolver){resolver->place, resolver->resolver, resolver->addend};
    }
    for (const struct module *module = link->results.fresh; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++) {
            const struct segment *segment = &module->segments[i];
            if (relro_waits(link, module, segment))
                *relro++ = (struct start_range){module->bias + segment->relro_address, segment->relro_size};
        }
}

static uint64_t put_tls(struct shared_area *area, const struct link *link)
{
    uint64_t templates = area->there + area->used;
    for (const struct module *module = link->results.first; module; module = module->next) {
        if (!module->tls_module)
            continue;
        struct start_tls template = {
            .image = module->bias + module->tls_image,
            .image_size = module->tls_image_size,
            .size = module->tls_size,
            .align = module->tls_align,
            .offset = (uint64_t)-module->tls_offset,
        };
        memcpy(area->here + area->used, &template, sizeof template);
        area->used += sizeof template; /* an array: rounded at its end */
    }
    area->used = shared_area_rounded(area->used);
    return templates;
}

static uint64_t put_objects(struct shared_area *area, const struct link *link, uint64_t *count)
{
    uint64_t objects = area->there + area->used;
    struct start_object *object = (struct start_object *)(area->here + area->used);
    for (size_t i = 0; i < link->results.sorted_count; i++) {
        const struct module *module = link->results.sorted[i];
        if (!module->initializer_count && !module->finalizer_count)
            continue;
        *object++ = (struct start_object){(uint32_t)module->initializer_count, (uint32_t)module->finalizer_count};
        ++*count;
    }
    area->used += shared_area_rounded(*count * sizeof *object);
    return objects;
}

struct start_info *start_block_write(struct shared_area *area, struct link *link, struct start_link **list)
{
    struct start_info *info = (struct start_info *)area->here;
    area->used = shared_area_rounded(sizeof *info);
    *info = (struct start_info){
        .magic = START_MAGIC,
        .flags = START_LINKED,
        .module_count = link->results.module_count,
        .link = area->there + area->used,
        .initializer_count = link->results.initializer_count,
        .finalizer_count = link->results.finalizer_count,
        .resolver_count = link->results.pending_ifunc_count,
        .tls_count = link->results.tls_count,
        .tls_size = link->results.tls_size,
        .tls_align = link->results.tls_align,
    };
    *list = (struct start_link *)(area->here + area->used);
    memset(*list, 0, sizeof **list);
    area->used += shared_area_rounded(sizeof **list);
    struct link_symbol breakpoint;
    if (link_find(link, LINK_SCOPE_DEFAULT, NULL, "_dl_debug_state", NULL, &breakpoint))
        (*list)->breakpoint = breakpoint.address;
    link_set_debugger(link, info->link);
    module_list_append(area, link, *list);
    info->initializers = shared_area_put(area, link->results.initializers, link->results.initializer_count * 8);
    info->finalizers = shared_area_put(area, link->results.finalizers, link->results.finalizer_count * 8);
    info->objects = put_objects(area, link, &info->object_count);
    info->tls = put_tls(area, link);
    uint64_t all = start_resolvers_size(link, &info->relro_count);
    uint64_t resolvers = shared_area_rounded(link->results.pending_ifunc_count * sizeof(struct start_resolver));
    info->resolvers = area->there + area->used;
    info->relro = info->resolvers + resolvers;
    start_resolvers_fill(link, (struct start_resolver *)(area->here + area->used),
                          (struct start_range *)(area->here + area->used + resolvers));
    area->used += all;
    return info;
}
