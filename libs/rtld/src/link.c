/* The phases of a link. */
#include <rtld/link.h>
#include <string.h>

#include "internal.h"

#define IMAGES_MAX 4096

void link_init(struct link *link, const struct link_host *host)
{
    memset(link, 0, sizeof *link);
    link->host = host;
}

void link_begin(struct link *link)
{
    arena_free(link, &link->scratch);
    link->failed = link->stopped = false;
    link->work = 0;
    link->initializers = link->finalizers = NULL;
    link->resolvers = NULL;
    link->own_initializer_count = 0;
    link->initializer_count = link->finalizer_count = link->resolver_count = link->resolver_limit = 0;
    link->searched = NULL;
    link->searched_count = 0;
    link->index = NULL;
}

bool link_report(struct link *link, const struct diagnostic *diagnostic)
{
    link->failed = true;
    if (!link->stopped && !link->host->report(link->host->context, diagnostic))
        link->stopped = true;
    return false;
}

bool link_refuse(struct link *link, enum link_error error, const struct image *image, const char *symbol,
                 uint64_t offset, uint64_t value)
{
    return link_report(link, &(struct diagnostic){.error = error, .object = image ? image->name : "", .symbol = symbol,
                                                  .offset = offset, .value = value});
}

bool link_work(struct link *link, const struct image *image, uint64_t steps)
{
    link->work += steps;
    if (link->work <= LINK_WORK_MAX)
        return true;
    link_refuse(link, LINK_TOO_MUCH_WORK, image, NULL, 0, link->work);
    link->stopped = true;
    return false;
}

static bool read_needed(struct link *link, struct image *image)
{
    image->needed_names = arena_alloc(link, &link->arena, image->needed_count, sizeof *image->needed_names);
    image->needed = arena_alloc(link, &link->arena, image->needed_count, sizeof *image->needed);
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

void link_append_global(struct link *link, struct image *image)
{
    image->in_global = true;
    *(link->last_global ? &link->last_global->next_global : &link->global) = image;
    link->last_global = image;
}

static bool read_image(struct link *link, struct image *image, const char *name, const struct image_file_view *file)
{
    const struct image *known = known_file(link, file);
    if (known)
        return known_read(link, image, name, file, known);
    if (!image_parse(link, image, name, file) || !read_needed(link, image))
        return false;
    image->soname_hash = image->soname ? gabi_hash(image->soname) : 0;
    return known_keep(link, image);
}

static struct image *add_image(struct link *link, const char *name, const struct image_file_view *file)
{
    struct image *image = arena_alloc(link, &link->arena, 1, sizeof *image);
    /* The caller's own may be gone, or say something else, while the image is still there. */
    char *own_name = arena_alloc(link, &link->arena, strlen(name) + 1, 1);
    if (!image || !own_name)
        return NULL;
    memcpy(own_name, name, strlen(name));
    if (!read_image(link, image, own_name, file))
        return NULL;
    image->arena = link->arena;
    if (!machine_find(image->machine) || (link->first && image->machine != link->first->machine)) {
        link_refuse(link, LINK_WRONG_MACHINE, image, NULL, offsetof(struct elf_header, e_machine), image->machine);
        return NULL;
    }
    if (link->first && (image->type != ET_DYN || image->pie)) {
        link_refuse(link, LINK_WRONG_TYPE, image, NULL, offsetof(struct elf_header, e_type), image->type);
        return NULL;
    }
    if (link->image_count >= IMAGES_MAX) {
        link_refuse(link, LINK_TOO_MANY, image, NULL, 0, link->image_count);
        return NULL;
    }
    image->name_hash = gabi_hash(name);
    *(link->last ? &link->last->next : &link->first) = image;
    link->last = image;
    link->image_count++;
    link->arena->images++;
    if (!link->fresh)
        link->fresh = image;
    image->root = link->fresh;
    return image;
}

struct image *link_find_image(const struct link *link, const char *name)
{
    uint32_t hash = gabi_hash(name);
    for (struct image *image = link->first; image; image = image->next)
        if ((image->name_hash == hash && strcmp(image->name, name) == 0) ||
            (image->soname && image->soname_hash == hash && strcmp(image->soname, name) == 0))
            return image;
    return NULL;
}

/* The image of a name: already there, under this name or another, or opened now. */
struct image *link_need(struct link *link, const struct image *referrer, const char *name)
{
    struct image *found = link_find_image(link, name);
    if (found)
        return found;
    struct image_file_view file = {0};
    if (!link->host->open(link->host->context, referrer, name, &file)) {
        link_refuse(link, LINK_NOT_FOUND, referrer, name, 0, 0);
        return NULL;
    }
    for (found = link->first; found; found = found->next)
        if (found->file.bytes == file.bytes || (file.cookie && found->file.cookie == file.cookie))
            return found;
    return add_image(link, name, &file);
}

bool link_load_needed(struct link *link)
{
    /* Breadth first: images are appended to the very list that this walks. */
    for (struct image *image = link->fresh; image; image = image->next)
        for (uint64_t i = 0; i < image->needed_count && !link->stopped; i++)
            image->needed[i] = link_need(link, image, image->needed_names[i]);
    if (link->failed)
        return false;
    for (struct image *image = link->fresh; image && !link->stopped; image = image->next)
        image_check_versions(link, image);
    return !link->failed;
}

bool link_load(struct link *link, const char *name, const struct image_file_view *file)
{
    link_begin(link);
    if (!add_image(link, name, file))
        return false;
    for (size_t i = 0; i < link->preload_count && !link->stopped; i++)
        link_need(link, NULL, link->preload[i]);
    if (link->failed || !link_load_needed(link))
        return false;
    for (struct image *image = link->first; image; image = image->next) {
        image->started = true;
        link_append_global(link, image);
    }
    return runtime_closure(link, link->first);
}

void link_join_global(struct link *link, struct image *root)
{
    for (uint64_t i = 0; i < root->closure_count; i++)
        if (!root->closure[i]->in_global)
            link_append_global(link, root->closure[i]);
}

static bool fill_windows(struct link *link, struct image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        struct segment *segment = &image->segments[i];
        if (!(segment->flags & PF_W))
            continue;
        bool filled = image->file.in_place;
        segment->window = link->host->window(link->host->context, image, segment, &filled);
        if (!segment->window)
            return link_refuse(link, LINK_NO_MEMORY, image, NULL, segment->file_offset, segment->pages_size);
        if (filled)
            continue;
        memcpy(segment->window + (segment->address - segment->page_address), segment->data, segment->file_size);
    }
    return true;
}

bool link_place(struct link *link)
{
    for (struct image *image = link->fresh; image; image = image->next) {
        image->bias = 0;
        if (image->type == ET_DYN && !link->host->place(link->host->context, image, &image->bias))
            return link_refuse(link, LINK_NO_PLACE, image, NULL, 0, image->high - image->low);
        if (!fill_windows(link, image))
            return false;
    }
    return true;
}

static bool relocate_fresh(struct link *link)
{
    tls_lay_out(link);
    if (!scope_prepare(link))
        return false;
    size_t count;
    struct image **fresh = link_fresh_images(link, &count);
    bool good = fresh;
    /* From the last to the first, as glibc goes: so that of several STB_GNU_UNIQUE definitions the same one wins. */
    for (size_t i = fresh ? count : 0; i-- > 0 && !link->stopped;)
        good &= fresh[i]->file.in_place || image_relocate(link, fresh[i]);
    /* Copies are made of finished data. */
    for (size_t i = 0; good && i < count && !link->stopped; i++)
        good &= !fresh[i]->has_copies || image_relocate_copies(link, fresh[i]);
    return good && !link->failed && relocate_resolvers(link);
}

bool link_relocate(struct link *link)
{
    bool good = !link->fresh || relocate_fresh(link);
    /* The largest of what is needed for a short time: a host with many links would keep as many. */
    arena_free(link, &link->index_arena);
    link->index = NULL;
    return good;
}

void link_commit(struct link *link)
{
    for (struct image *image = link->fresh; image; image = image->next) {
        image->committed = true;
        for (unsigned i = 0; i < image->segment_count; i++)
            image->segments[i].window = NULL;
    }
    link->fresh = NULL;
    link->arena = NULL;
    link->bind_first = false;
}

static void unlink_global(struct link *link, struct image *image)
{
    struct image **at = &link->global, *last = NULL;
    while (*at && *at != image) {
        last = *at;
        at = &last->next_global;
    }
    if (!*at)
        return;
    *at = image->next_global;
    if (link->last_global == image)
        link->last_global = last;
}

void link_drop(struct link *link, struct image *image)
{
    struct arena *arena = image->arena;
    unlink_global(link, image);
    scope_forget_unique(link, image);
    if (image->tls_module)
        link->tls_generation++;
    if (image->tls_is_static)
        tls_give_back(link, image);
    if (link->host->drop)
        link->host->drop(link->host->context, image);
    link->image_count--;
    if (--arena->images == 0)
        arena_free(link, &arena);
}

void link_abandon(struct link *link)
{
    struct image **at = &link->first;
    link->last = NULL;
    while (*at && *at != link->fresh) {
        link->last = *at;
        at = &(*at)->next;
    }
    *at = NULL;
    for (struct image *image = link->fresh, *next; image; image = next) {
        next = image->next;
        if (image->arena == link->arena && link->arena->images == 1)
            link->arena = NULL; /* goes with its last image */
        link_drop(link, image);
    }
    if (link->arena)
        arena_free(link, &link->arena); /* the file that was refused never became an image */
    link->fresh = NULL;
    link->bind_first = false;
    arena_free(link, &link->scratch);
}

void link_end(struct link *link)
{
    if (link->fresh)
        link_commit(link);
    link->fresh = link->first;
    link_abandon(link);
}

void link_set_debugger(struct link *link, uint64_t address)
{
    void *word = link->first->debug_address ? image_window(link->first, link->first->debug_address, sizeof address) : NULL;
    if (word)
        set_word(word, address);
}

uint64_t link_entry(const struct link *link)
{
    return link->first->bias + link->first->entry;
}
