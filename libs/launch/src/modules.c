/* The list of modules that a process finds in its start block, and that debuggers know. */
#include <launch/block.h>
#include <string.h>

static struct start_module *here_of(const struct image *image)
{
    return image->host_data;
}

uint64_t launch_module_address(const struct image *image)
{
    return here_of(image)->address;
}

struct image *launch_module_image(const struct link *link, uint64_t address)
{
    for (struct image *image = link->first; image; image = image->next)
        if (image->host_data && launch_module_address(image) == address)
            return image;
    return NULL;
}

uint64_t launch_modules_size(const struct link *link)
{
    uint64_t size = 0;
    for (const struct image *image = link->fresh; image; image = image->next)
        size += launch_rounded(sizeof(struct start_module)) + launch_rounded(strlen(image->name) + 1);
    return size;
}

static void describe(const struct image *image, struct start_module *module)
{
    *module = (struct start_module){
        .base = image->bias,
        .dynamic = image->dynamic_address ? image->bias + image->dynamic_address : 0,
        .program_headers = image->header_count ? image->bias + image->headers_address : 0,
        .program_header_count = image->header_count,
        .low = image->bias + image->low,
        .high = image->bias + image->high,
        .tls_module = image->tls_module,
        .tls_generation = image->tls_generation,
        .tls_is_static = image->tls_is_static,
    };
    if (image->tls_module)
        module->tls = (struct start_tls){
            .image = image->bias + image->tls_image,
            .image_size = image->tls_image_size,
            .size = image->tls_size,
            .align = image->tls_align,
            .offset = image->tls_is_static ? (uint64_t)-image->tls_offset : 0,
        };
}

static void count(const struct link *link, struct start_link *list)
{
    list->count = link->image_count;
    list->tls_generation = link->tls_generation;
    list->tls_count = link->tls_count;
}

void launch_modules_put(struct launch_area *area, const struct link *link, struct start_link *list)
{
    struct image *previous = NULL;
    for (struct image *image = link->first; image != link->fresh; image = image->next)
        previous = image;
    for (struct image *image = link->fresh; image; previous = image, image = image->next) {
        struct start_module module;
        describe(image, &module);
        module.address = area->there + area->used;
        module.previous = previous ? launch_module_address(previous) : 0;
        image->host_data = area->here + area->used;
        launch_put(area, &module, sizeof module);
        here_of(image)->name = launch_put_string(area, image->name);
        *(previous ? &here_of(previous)->next : &list->first) = module.address;
        list->added++;
    }
    list->version = 1;
    count(link, list);
}

void launch_module_remove(const struct link *link, struct start_link *list, const struct image *image)
{
    const struct start_module *module = here_of(image);
    /* The core took the image out of its own list already: its neighbours here are found by address. */
    for (const struct image *other = link->first; other; other = other->next) {
        if (!other->host_data)
            continue;
        if (here_of(other)->next == module->address)
            here_of(other)->next = module->next;
        if (here_of(other)->previous == module->address)
            here_of(other)->previous = module->previous;
    }
    list->removed++;
    count(link, list);
}
