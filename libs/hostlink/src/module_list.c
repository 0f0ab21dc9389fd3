/* The list of modules that a process finds in its start block, and that debuggers know. */
#include <hostlink/module_list.h>
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
    for (struct module *module = link->results.first; module; module = module->next)
        if (module->host_data && module_list_address(module) == address)
            return module;
    return NULL;
}

uint64_t module_list_size(const struct link *link)
{
    uint64_t size = 0;
    for (const struct module *module = link->results.fresh; module; module = module->next)
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
    list->count = link->results.module_count;
    list->tls_generation = link->results.tls_generation;
    list->tls_count = link->results.tls_count;
}

void module_list_append(struct shared_area *area, const struct link *link, struct start_link *list)
{
    struct module *previous = NULL;
    for (struct module *module = link->results.first; module != link->results.fresh; module = module->next)
        previous = module;
    for (struct module *module = link->results.fresh; module; previous = module, module = module->next) {
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
    for (const struct module *other = link->results.first; other; other = other->next) {
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

void *module_list_view(const struct shared_area *block, uint64_t address, uint64_t size)
{
    uint64_t offset = address - block->there;
    return offset % 8 == 0 && offset < block->size && size <= block->size - offset ? block->here + offset : NULL;
}

struct start_module *module_list_next(const struct shared_area *block, const struct start_link *list,
                                      const struct start_module *module)
{
    uint64_t address = module ? module->next : list ? list->first : 0;
    return module_list_view(block, address, sizeof *module);
}

const char *module_list_name(const struct shared_area *block, const struct start_module *module)
{
    uint64_t offset = module->name - block->there;
    for (uint64_t at = offset; at < block->size; at++)
        if (!block->here[at])
            return (const char *)block->here + offset;
    return NULL;
}

static size_t limit(const struct shared_area *block)
{
    return block->size / sizeof(struct start_module);
}

size_t module_list_count(const struct shared_area *block, const struct start_link *list)
{
    size_t count = 0;
    const struct start_module *module = NULL;
    while (count < limit(block) && (module = module_list_next(block, list, module)))
        count++;
    return count;
}

bool module_list_base(const struct shared_area *block, const struct start_link *list, const char *name, uint64_t *base)
{
    const struct start_module *module = NULL;
    for (size_t left = limit(block); left && (module = module_list_next(block, list, module)); left--) {
        const char *own = module_list_name(block, module);
        if (own && strcmp(own, name) == 0) {
            *base = module->base;
            return true;
        }
    }
    return false;
}
