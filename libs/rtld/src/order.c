/* The order of constructors: an object's come after those of all that it needs. A cycle is broken at the
 * object that was reached first, searching depth first in DT_NEEDED order, so the order is always the same. */
#include <string.h>

#include "internal.h"

enum { UNSEEN, OPEN, DONE };

struct step {
    struct image *image;
    uint64_t next; /* index into image->needed */
};

static bool sort(struct link *link, struct image **sorted)
{
    struct step *stack = link_alloc(link, link->image_count, sizeof *stack);
    if (!stack)
        return false;
    size_t depth = 0, count = 0;
    for (struct image *root = link->first; root; root = root->next) {
        if (root->visit != UNSEEN)
            continue;
        root->visit = OPEN;
        stack[depth++] = (struct step){root, 0};
        while (depth) {
            struct step *step = &stack[depth - 1];
            if (step->next == step->image->needed_count) {
                step->image->visit = DONE;
                sorted[count++] = step->image;
                depth--;
                continue;
            }
            struct image *needed = step->image->needed[step->next++];
            if (needed->visit == UNSEEN) {
                needed->visit = OPEN;
                stack[depth++] = (struct step){needed, 0};
            }
        }
    }
    return true;
}

/* The relocated words of an array of functions; 0 and -1 mark empty places in old toolchains' arrays. */
static size_t append_array(const struct image *image, const struct table *array, bool reversed, uint64_t *list, size_t count)
{
    for (uint64_t i = 0; i < array->count; i++) {
        uint64_t index = reversed ? array->count - 1 - i : i, value;
        const void *window = image_window(image, array->address + index * sizeof value, sizeof value);
        memcpy(&value, window, sizeof value);
        if (value && value != UINT64_MAX)
            list[count++] = value;
    }
    return count;
}

bool link_order(struct link *link)
{
    struct image **sorted = link_alloc(link, link->image_count, sizeof *sorted);
    if (!sorted || !sort(link, sorted))
        return false;
    uint64_t initializers = 0, finalizers = 0;
    for (struct image *image = link->first; image; image = image->next) {
        initializers += image->init_array.count + 1;
        finalizers += image->fini_array.count + 1;
    }
    initializers += link->first->preinit_array.count;
    link->initializers = link_alloc(link, initializers, sizeof *link->initializers);
    link->finalizers = link_alloc(link, finalizers, sizeof *link->finalizers);
    if (!link->initializers || !link->finalizers)
        return false;

    size_t count = append_array(link->first, &link->first->preinit_array, false, link->initializers, 0);
    for (size_t i = 0; i < link->image_count; i++) {
        if (sorted[i]->init)
            link->initializers[count++] = sorted[i]->bias + sorted[i]->init;
        count = append_array(sorted[i], &sorted[i]->init_array, false, link->initializers, count);
    }
    link->initializer_count = count;

    count = 0;
    for (size_t i = link->image_count; i-- > 0;) {
        count = append_array(sorted[i], &sorted[i]->fini_array, true, link->finalizers, count);
        if (sorted[i]->fini)
            link->finalizers[count++] = sorted[i]->bias + sorted[i]->fini;
    }
    link->finalizer_count = count;
    return true;
}
