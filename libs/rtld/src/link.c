/* The phases of a link. */
#include <rtld/link.h>
#include <string.h>

#include "internal.h"

#define ALIGN 16
#define IMAGES_MAX 4096

void link_init(struct link *link, const struct link_host *host, void *block, size_t size)
{
    memset(link, 0, sizeof *link);
    size_t skip = -(uintptr_t)block & (ALIGN - 1);
    link->host = host;
    link->block = (uint8_t *)block + skip;
    link->block_size = size > skip ? size - skip : 0;
}

void *link_alloc(struct link *link, uint64_t count, size_t size)
{
    size_t left = link->block_size - link->block_used;
    if (count > left / size || ((count * size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1)) > left) {
        link_refuse(link, LINK_NO_MEMORY, link->first, NULL, 0, count * size);
        return NULL;
    }
    void *memory = link->block + link->block_used;
    link->block_used += (count * size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    return memset(memory, 0, count * size);
}

bool link_refuse(struct link *link, enum link_error error, const struct image *image, const char *symbol,
                 uint64_t offset, uint64_t value)
{
    struct diagnostic diagnostic = {error, image ? image->name : "", symbol, offset, value};
    link->failed = true;
    link->host->report(link->host->context, &diagnostic);
    return false;
}

static void report_parse(void *context, const struct diagnostic *diagnostic)
{
    struct link *link = context;
    link->failed = true;
    link->host->report(link->host->context, diagnostic);
}

static bool read_needed(struct link *link, struct image *image)
{
    image->needed_names = link_alloc(link, image->needed_count, sizeof *image->needed_names);
    image->needed = link_alloc(link, image->needed_count, sizeof *image->needed);
    if (!image->needed_names || !image->needed)
        return false;
    uint64_t count = 0;
    /* image_parse saw the end of this table, and as many DT_NEEDED entries. */
    for (uint64_t at = image->dynamic_address; count < image->needed_count; at += sizeof(struct elf_dynamic)) {
        const struct elf_dynamic *entry = image_data(image, at, sizeof *entry, 8);
        if (entry->d_tag != DT_NEEDED)
            continue;
        const char *name = image_string(image, entry->d_value);
        if (!name)
            return link_refuse(link, LINK_BAD_DYNAMIC, image, NULL, at, DT_NEEDED);
        image->needed_names[count++] = name;
    }
    return true;
}

static struct image *add_image(struct link *link, const char *name, const struct image_file_view *file)
{
    struct image *image = link_alloc(link, 1, sizeof *image);
    if (!image || !image_parse(image, name, file, report_parse, link))
        return NULL;
    if (!machine_known(image->machine) || (link->first && image->machine != link->first->machine)) {
        link_refuse(link, LINK_WRONG_MACHINE, image, NULL, offsetof(struct elf_header, e_machine), image->machine);
        return NULL;
    }
    if (link->first && image->type != ET_DYN) {
        link_refuse(link, LINK_WRONG_TYPE, image, NULL, offsetof(struct elf_header, e_type), image->type);
        return NULL;
    }
    if (!read_needed(link, image))
        return NULL;
    if (link->last)
        link->last->next = image;
    else
        link->first = image;
    link->last = image;
    if (++link->image_count > IMAGES_MAX) {
        link_refuse(link, LINK_TOO_MANY, image, NULL, 0, link->image_count);
        return NULL;
    }
    return image;
}

static struct image *find_image(const struct link *link, const char *name)
{
    for (struct image *image = link->first; image; image = image->next)
        if (strcmp(image->name, name) == 0 || (image->soname && strcmp(image->soname, name) == 0))
            return image;
    return NULL;
}

/* The image for one DT_NEEDED name: already there, or opened now. */
static struct image *need(struct link *link, const struct image *image, const char *name)
{
    struct image *found = find_image(link, name);
    if (found)
        return found;
    struct image_file_view file;
    if (!link->host->open(link->host->context, name, &file)) {
        link_refuse(link, LINK_NOT_FOUND, image, name, 0, 0);
        return NULL;
    }
    return add_image(link, name, &file);
}

bool link_load(struct link *link, const char *name, const struct image_file_view *file)
{
    if (!add_image(link, name, file))
        return false;
    /* Breadth first: images are appended to the very list that this walks. */
    for (struct image *image = link->first; image; image = image->next)
        for (uint64_t i = 0; i < image->needed_count; i++)
            image->needed[i] = need(link, image, image->needed_names[i]);
    return !link->failed;
}

static bool fill_windows(struct link *link, struct image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        struct segment *segment = &image->segments[i];
        if (!(segment->flags & PF_W))
            continue;
        segment->window = link->host->window(link->host->context, image, segment);
        if (!segment->window)
            return link_refuse(link, LINK_NO_MEMORY, image, NULL, segment->file_offset, segment->pages_size);
        memcpy(segment->window + (segment->address - segment->page_address), segment->data, segment->file_size);
    }
    return true;
}

bool link_place(struct link *link)
{
    for (struct image *image = link->first; image; image = image->next) {
        image->bias = 0;
        if (image->type == ET_DYN && !link->host->place(link->host->context, image, &image->bias))
            return link_refuse(link, LINK_NO_PLACE, image, NULL, 0, image->high - image->low);
        if (!fill_windows(link, image))
            return false;
    }
    return true;
}

bool link_relocate(struct link *link)
{
    tls_lay_out(link);
    bool good = true;
    for (struct image *image = link->first; image; image = image->next)
        good &= image_relocate(link, image);
    return good;
}

uint64_t link_entry(const struct link *link)
{
    return link->first->bias + link->first->entry;
}
