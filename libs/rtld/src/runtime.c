/* Objects that come and go while the program runs. */
#include "internal.h"

bool runtime_depend(struct link *link, struct image *image, struct image *provider)
{
    if (provider->started || provider == image || provider->nodelete)
        return true;
    for (uint64_t i = 0; i < image->needed_count; i++)
        if (image->needed[i] == provider)
            return true;
    for (struct dependence *known = image->dependences; known; known = known->next)
        if (known->image == provider)
            return true;
    struct dependence *fresh = arena_alloc(link, &image->arena, 1, sizeof *fresh);
    if (!fresh)
        return false;
    *fresh = (struct dependence){image->dependences, provider};
    image->dependences = fresh;
    return true;
}

bool runtime_closure(struct link *link, struct image *image)
{
    if (image->closure)
        return true;
    struct image **list = scratch_alloc(link, link->image_count, sizeof *list);
    if (!list)
        return false;
    for (struct image *other = link->first; other; other = other->next)
        other->marked = false;
    uint64_t count = 0;
    list[count++] = image;
    image->marked = true;
    for (uint64_t at = 0; at < count; at++)
        for (uint64_t i = 0; i < list[at]->needed_count; i++) {
            struct image *needed = list[at]->needed[i];
            if (!needed->marked) {
                needed->marked = true;
                list[count++] = needed;
            }
        }
    /* The preloaded objects belong to the program as if it needed them. */
    if (image == link->first)
        for (struct image *other = link->first; other; other = other->next)
            if (other->started && !other->marked)
                list[count++] = other;
    image->closure = arena_alloc(link, &image->arena, count, sizeof *image->closure);
    if (!image->closure)
        return false;
    for (uint64_t i = 0; i < count; i++)
        image->closure[i] = list[i];
    image->closure_count = count;
    return true;
}

struct image *link_open(struct link *link, const char *name, unsigned flags)
{
    link_begin(link);
    link->bind_first = flags & LINK_OPEN_DEEPBIND;
    struct image *image = name ? link_find_image(link, name) : link->first;
    if (!image && (flags & LINK_OPEN_LOADED)) {
        /* Perhaps under another name. */
        struct image_file_view file = {0};
        if (link->host->open(link->host->context, NULL, name, &file))
            for (image = link->first; image && (!file.cookie || image->file.cookie != file.cookie);)
                image = image->next;
        if (!image) {
            link_refuse(link, LINK_NOT_LOADED, NULL, name, 0, 0);
            return NULL;
        }
    }
    if (!image && (!(image = link_need(link, NULL, name)) || (link->fresh && !link_load_needed(link))))
        return NULL;
    if (!runtime_closure(link, image))
        return NULL;
    image->opens++;
    if (flags & LINK_OPEN_KEEP)
        image->nodelete = true;
    if (flags & LINK_OPEN_GLOBAL)
        link_join_global(link, image);
    for (struct image *fresh = link->fresh; fresh; fresh = fresh->next)
        if (fresh->wants_global && !fresh->in_global)
            link_append_global(link, fresh);
    return image;
}

/* Mark what is in use: what came with the program, what is open or never goes, and all that those need. */
static bool mark_used(struct link *link)
{
    struct image **stack = scratch_alloc(link, link->image_count, sizeof *stack);
    size_t depth = 0;
    if (!stack)
        return false;
    for (struct image *image = link->first; image; image = image->next) {
        image->marked = image->started || image->opens || image->nodelete;
        if (image->marked)
            stack[depth++] = image;
    }
    while (depth) {
        struct image *image = stack[--depth];
        for (uint64_t i = 0; i < image->needed_count; i++)
            if (!image->needed[i]->marked) {
                image->needed[i]->marked = true;
                stack[depth++] = image->needed[i];
            }
        for (struct dependence *other = image->dependences; other; other = other->next)
            if (!other->image->marked) {
                other->image->marked = true;
                stack[depth++] = other->image;
            }
    }
    return true;
}

bool link_close(struct link *link, struct image *image)
{
    link_begin(link);
    if (image->opens)
        image->opens--;
    if (image->opens || image->started || !mark_used(link))
        return false;
    struct image **doomed = scratch_alloc(link, link->image_count, sizeof *doomed);
    struct image **sorted = scratch_alloc(link, link->image_count, sizeof *sorted);
    size_t count = 0;
    for (struct image *other = link->first; other && doomed; other = other->next)
        if (!other->marked)
            doomed[count++] = other;
    if (!count || !sorted)
        return false;
    /* Those who stay search their own closure from now on, where they were loaded with one that goes. */
    for (size_t i = 0; i < count; i++)
        doomed[i]->doomed = true;
    for (struct image *other = link->first; other; other = other->next)
        if (!other->doomed && other->root->doomed) {
            other->root = other;
            if (!runtime_closure(link, other))
                return false;
        }
    return order_sort(link, doomed, count, true, sorted) && order_finalizers(link, sorted, count);
}

void link_sweep(struct link *link)
{
    struct image **at = &link->first;
    link->last = NULL;
    while (*at) {
        struct image *image = *at;
        if (!image->doomed) {
            link->last = image;
            at = &image->next;
            continue;
        }
        *at = image->next;
        link_drop(link, image);
    }
}

bool link_finish(struct link *link)
{
    link_begin(link);
    struct image **images = scratch_alloc(link, link->image_count, sizeof *images);
    struct image **sorted = scratch_alloc(link, link->image_count, sizeof *sorted);
    size_t count = 0;
    for (struct image *image = link->first; image && images; image = image->next)
        images[count++] = image;
    return images && sorted && order_sort(link, images, count, true, sorted) && order_finalizers(link, sorted, count);
}

/* Whose scope a caller's default look-up ends with. */
static struct definition find_default(const struct link *link, const struct image *caller,
                                      const struct reference *reference, uint64_t *work)
{
    struct definition found = {0};
    for (struct image *image = link->global; image && !found.image; image = image->next_global)
        found = scope_search(&image, 1, reference, NULL, work);
    if (!found.image && caller)
        found = scope_search(caller->root->closure, caller->root->closure_count, reference, NULL, work);
    return found;
}

static struct definition find_next(const struct image *caller, const struct reference *reference, uint64_t *work)
{
    const struct image *root = caller->root;
    uint64_t at = 0;
    while (at < root->closure_count && root->closure[at] != caller)
        at++;
    if (at == root->closure_count)
        return (struct definition){0};
    return scope_search(root->closure + at + 1, root->closure_count - at - 1, reference, NULL, work);
}

bool link_find(const struct link *link, enum link_scope scope, const struct image *image, const char *name,
               const char *version, struct link_symbol *found)
{
    uint64_t work = 0, length = 0;
    while (name[length])
        length++;
    struct version wanted = {.name = version, .hash = version ? gabi_hash(version) : 0, .hidden = true};
    struct reference reference = {
        .name = symbol_name_of(name, length + 1),
        .version = version ? &wanted : NULL,
        .newest = true,
    };
    struct definition definition = {0};
    if (scope == LINK_SCOPE_DEFAULT)
        definition = find_default(link, image, &reference, &work);
    else if (scope == LINK_SCOPE_NEXT)
        definition = find_next(image, &reference, &work);
    else
        definition = scope_search(image->closure, image->closure_count, &reference, NULL, &work);
    if (!definition.image)
        return false;
    const struct elf_symbol *symbol = definition.symbol;
    bool plain = symbol->st_shndx == SHN_ABS || (symbol->st_info & 15) == STT_TLS;
    *found = (struct link_symbol){definition.image, symbol, symbol->st_value + (plain ? 0 : definition.image->bias)};
    return true;
}

const struct image *link_image_at(const struct link *link, uint64_t address)
{
    for (const struct image *image = link->first; image; image = image->next)
        if (image_segment(image, address - image->bias))
            return image;
    return NULL;
}
