/* The order of constructors: an object's come after those of all that it needs.
 *
 * Depth first over DT_NEEDED, from the object that was loaded last to the first one; a cycle is broken at the
 * object that was reached first. glibc orders in the same way since 2.35, so a program starts here as there. */
#include <string.h>

#include "internal.h"

struct step {
    struct image *image;
    uint64_t next;                    /* index into image->needed */
    const struct dependence *further; /* after those */
};

static struct image *next_needed(struct step *step)
{
    while (step->next < step->image->needed_count) {
        struct image *needed = step->image->needed[step->next++];
        if (!needed->marked)
            return needed;
    }
    for (; step->further; step->further = step->further->next)
        if (!step->further->image->marked)
            return step->further->image;
    return NULL;
}

bool order_sort(struct link *link, struct image *const *images, size_t count, bool closing, struct image **sorted)
{
    struct step *stack = scratch_alloc(link, count, sizeof *stack);
    if (!stack)
        return false;
    /* Those outside of the list count as seen. */
    for (struct image *image = link->first; image; image = image->next)
        image->marked = true;
    for (size_t i = 0; i < count; i++)
        images[i]->marked = false;
    size_t depth = 0, done = 0;
    /* Nobody can be started before the program is the last, even if a library needs the program. */
    bool has_program = count && images[0] == link->first;
    if (has_program)
        images[0]->marked = true;
    for (size_t i = count; i-- > 0;) {
        if (images[i]->marked)
            continue;
        for (struct image *image = images[i]; image || depth;) {
            if (image) {
                image->marked = true;
                stack[depth++] = (struct step){image, 0, closing ? image->dependences : NULL};
            }
            image = next_needed(&stack[depth - 1]);
            if (!image)
                sorted[done++] = stack[--depth].image;
        }
    }
    if (has_program)
        sorted[done++] = images[0];
    return true;
}

/* The relocated words of an array of functions; 0 and -1 mark empty places in old toolchains' arrays. */
static size_t append_array(const struct image *image, const struct table *array, bool reversed, uint64_t *list, size_t count)
{
    for (uint64_t i = 0; i < array->count; i++) {
        uint64_t index = reversed ? array->count - 1 - i : i;
        uint64_t value = word_at(image_window(image, array->address + index * sizeof value, sizeof value));
        if (value && value != UINT64_MAX)
            list[count++] = value;
    }
    return count;
}

static size_t append_initializers(struct link *link, const struct image *image, size_t count)
{
    if (image->file.in_place)
        return count;
    if (image->init)
        link->initializers[count++] = image->bias + image->init;
    return append_array(image, &image->init_array, false, link->initializers, count);
}

/* While the words of the array can still be read. */
static bool remember_finalizers(struct link *link, struct image *image)
{
    if (image->file.in_place)
        return true;
    image->finalizers = arena_alloc(link, &image->arena, image->fini_array.count + 1, sizeof *image->finalizers);
    if (!image->finalizers)
        return false;
    image->finalizer_count = append_array(image, &image->fini_array, true, image->finalizers, 0);
    if (image->fini)
        image->finalizers[image->finalizer_count++] = image->bias + image->fini;
    return true;
}

bool order_finalizers(struct link *link, struct image *const *sorted, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += sorted[i]->finalizer_count;
    link->finalizer_count = 0;
    link->finalizers = scratch_alloc(link, total, sizeof *link->finalizers);
    for (size_t i = count; link->finalizers && i-- > 0;)
        for (size_t j = 0; j < sorted[i]->finalizer_count; j++)
            link->finalizers[link->finalizer_count++] = sorted[i]->finalizers[j];
    return link->finalizers;
}

struct image **link_fresh_images(struct link *link, size_t *count)
{
    *count = 0;
    for (struct image *image = link->fresh; image; image = image->next)
        ++*count;
    struct image **images = scratch_alloc(link, *count, sizeof *images);
    size_t filled = 0;
    for (struct image *image = link->fresh; image && images; image = image->next)
        images[filled++] = image;
    return images;
}

struct image **order_fresh(struct link *link, size_t *count)
{
    struct image **images = link_fresh_images(link, count);
    struct image **sorted = scratch_alloc(link, *count, sizeof *sorted);
    return images && sorted && order_sort(link, images, *count, false, sorted) ? sorted : NULL;
}

bool link_order(struct link *link)
{
    if (!link->fresh)
        return true;
    size_t count, functions = link->fresh->preinit_array.count, filled = 0;
    struct image **sorted = order_fresh(link, &count), *first = NULL;
    for (struct image *image = link->fresh; image; image = image->next) {
        functions += image->init_array.count + 1;
        /* As glibc has it: one such object, the last to be loaded. */
        if (image->initfirst)
            first = image;
    }
    link->initializers = scratch_alloc(link, functions, sizeof *link->initializers);
    if (!sorted || !link->initializers)
        return false;
    if (first)
        filled = append_initializers(link, first, 0);
    if (link->fresh == link->first)
        filled = append_array(link->first, &link->first->preinit_array, false, link->initializers, filled);
    for (size_t i = 0; i < count; i++) {
        size_t before = filled;
        if (sorted[i] != first)
            filled = append_initializers(link, sorted[i], filled);
        if (sorted[i] == link->first)
            link->own_initializer_count = filled - before;
        if (!remember_finalizers(link, sorted[i]))
            return false;
    }
    link->initializer_count = filled;
    return order_finalizers(link, sorted, count);
}
