/* The list of modules that a process finds in its start block, and that debuggers know. */
#include <stdlib.h>
#include <string.h>

#include "loader.h"

/* Where an image is described. */
struct node {
    struct area *area;
    struct start_module *here;
    uint64_t there;
};

static struct start_module *here_of(const struct image *image)
{
    return ((const struct node *)image->host_data)->here;
}

uint64_t module_handle(const struct image *image)
{
    return ((const struct node *)image->host_data)->there;
}

struct image *module_image(const struct remote *remote, uint64_t handle)
{
    for (struct image *image = remote->link.first; image; image = image->next)
        if (image->host_data && module_handle(image) == handle)
            return image;
    return NULL;
}

uint64_t modules_size(const struct remote *remote)
{
    uint64_t size = 0;
    for (const struct image *image = remote->link.fresh; image; image = image->next)
        size += area_rounded(sizeof(struct start_module)) + area_rounded(strlen(image->name) + 1);
    return size;
}

static void describe(const struct image *image, struct start_module *module, uint64_t name)
{
    *module = (struct start_module){
        .base = image->bias,
        .name = name,
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

static void count(struct remote *remote)
{
    const struct link *link = &remote->link;
    remote->list->count = link->image_count;
    remote->list->tls_generation = link->tls_generation;
    remote->list->tls_count = link->tls_count;
}

bool modules_put(struct remote *remote, struct area *area)
{
    for (struct image *image = remote->link.fresh; image; image = image->next) {
        struct node *node = malloc(sizeof *node);
        if (!node)
            return false;
        node->area = area;
        node->there = area->there + area->used;
        node->here = (struct start_module *)(area->here + area->used);
        area->used += area_rounded(sizeof *node->here);
        area->modules++;
        image->host_data = node;
        describe(image, node->here, area_put_string(area, image->name));
        struct image *previous = remote->link.first == image ? NULL : remote->link.first;
        while (previous && previous->next != image)
            previous = previous->next;
        if (previous) {
            node->here->previous = module_handle(previous);
            here_of(previous)->next = node->there;
        } else {
            remote->list->version = 1;
            remote->list->first = node->there;
        }
        remote->list->added++;
    }
    count(remote);
    return true;
}

bool modules_adopt(struct remote *remote, struct image *image, uint64_t offset)
{
    struct node *node = malloc(sizeof *node);
    if (!node)
        return false;
    *node = (struct node){remote->block, (struct start_module *)(remote->block->here + offset), remote->block->there + offset};
    remote->block->modules++;
    image->host_data = node;
    return true;
}

void modules_remove(struct remote *remote, struct image *image, bool process_lives)
{
    struct node *node = image->host_data;
    if (!node)
        return;
    /* The core took the image out of its own list already: its neighbours here are found by address. */
    for (struct image *other = remote->link.first; other; other = other->next) {
        if (!other->host_data)
            continue;
        if (here_of(other)->next == node->there)
            here_of(other)->next = node->here->next;
        if (here_of(other)->previous == node->there)
            here_of(other)->previous = node->here->previous;
    }
    remote->list->removed++;
    count(remote);
    if (--node->area->modules == 0 && node->area != remote->block)
        area_free(remote, node->area, process_lives);
    free(node);
    image->host_data = NULL;
}
