/* The list of modules that a process finds in its start block, and that debuggers know. */
#include <hostlink/start_block.h>
#include <string.h>

static struct start_module *here_of(const struct module *module)
{
    return module->host_data;
}

uint64_t module_list_address(const struct module *module)
{
    return here_of(module)->address;
}

struct module *module_list_find(const struct link *link, uint64_t address)
{
    for (struct module *module = link->first; module; module = module->next)
        if (module->host_data && module_list_address(module) == address)
            return module;
    return NULL;
}

uint64_t module_list_size(const struct link *link)
{
    uint64_t size = 0;
    for (const struct module *module = link->fresh; module; module = module->next)
        size += shared_area_rounded(sizeof(struct start_module)) + shared_area_rounded(strlen(module->name) + 1);
    return size;
}

static void describe(const struct module *module, struct start_module *entry)
{
    *entry = (struct start_module){
        .base = module->bias,
        .dynamic = module->dynamic_address ? module->bias + module->dynamic_address : 0,
        .program_headers = module->header_count ? module->bias + module->headers_address : 0,
        .program_header_count = module->header_count,
        .low = module->bias + module->low,
        .high = module->bias + module->high,
        .tls_module = module->tls_module,
        .tls_generation = module->tls_generation,
        .tls_is_static = module->tls_is_static,
    };
    if (module->tls_module)
        entry->tls = (struct start_tls){
            .image = module->bias + module->tls_image,
            .image_size = module->tls_image_size,
            .size = module->tls_size,
            .align = module->tls_align,
            .offset = module->tls_is_static ? (uint64_t)-module->tls_offset : 0,
        };
}

static void count(const struct link *link, struct start_link *list)
{
    list->count = link->module_count;
    list->tls_generation = link->tls_generation;
    list->tls_count = link->tls_count;
}

void module_list_append(struct shared_area *area, const struct link *link, struct start_link *list)
{
    struct module *previous = NULL;
    for (struct module *module = link->first; module != link->fresh; module = module->next)
        previous = module;
    for (struct module *module = link->fresh; module; previous = module, module = module->next) {
        struct start_module entry;
        describe(module, &entry);
        entry.address = area->there + area->used;
        entry.previous = previous ? module_list_address(previous) : 0;
        module->host_data = area->here + area->used;
        shared_area_put(area, &entry, sizeof entry);
        here_of(module)->name = shared_area_put_string(area, module->name);
        *(previous ? &here_of(previous)->next : &list->first) = entry.address;
        list->added++;
    }
    list->version = 1;
    count(link, list);
}

void module_list_remove(const struct link *link, struct start_link *list, const struct module *module)
{
    const struct start_module *entry = here_of(module);
    /* The core took the module out of its own list already: its neighbours here are found by address. */
    for (const struct module *other = link->first; other; other = other->next) {
        if (!other->host_data)
            continue;
        if (here_of(other)->next == entry->address)
            here_of(other)->next = entry->next;
        if (here_of(other)->previous == entry->address)
            here_of(other)->previous = entry->previous;
    }
    list->removed++;
    count(link, list);
}
