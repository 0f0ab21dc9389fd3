/* The order of constructors: an object's come after those of all that it needs.
 *
 * Depth first over DT_NEEDED, from the object that was loaded last to the first one; a cycle is broken at the
 * object that was reached first. The program, or the object that is opened, comes last whatever needs it. glibc orders in
 * the same way since 2.35, so a program starts here as there. */
#include "order.h"

#include "bytes.h"
#include "closure.h"

struct step {
    struct module *module;
    uint64_t next;                    /* index into module->needed */
    const struct dependence *further; /* after those */
};

static struct module *next_needed(struct step *step)
{
    while (step->next < step->module->needed_count) {
        struct module *needed = step->module->needed[step->next++];
        if (!needed->marked)
            return needed;
    }
    for (; step->further; step->further = step->further->next)
        if (!step->further->module->marked)
            return step->further->module;
    return NULL;
}

bool order_sort(struct link *link, struct module *const *modules, size_t count, bool closing, struct module **sorted)
{
    struct step *stack = scratch_alloc(link, count, sizeof *stack);
    if (!stack)
        return false;
    /* Those outside of the list count as seen. */
    for (struct module *module = link->results.first; module; module = module->next)
        module->marked = true;
    for (size_t i = 0; i < count; i++)
        modules[i]->marked = false;
    size_t depth = 0, done = 0;
    struct module *last = !count ? NULL : !closing ? modules[0]->root : modules[0] == link->results.first ? modules[0] : NULL;
    if (last)
        last->marked = true;
    for (size_t i = count; i-- > 0;) {
        if (modules[i]->marked)
            continue;
        for (struct module *module = modules[i]; module || depth;) {
            if (module) {
                module->marked = true;
                stack[depth++] = (struct step){module, 0, closing ? module->dependences : NULL};
            }
            module = next_needed(&stack[depth - 1]);
            if (!module)
                sorted[done++] = stack[--depth].module;
        }
    }
    if (last)
        sorted[done++] = last;
    return true;
}

/* The relocated slots of an array of functions; 0 and -1 mark empty places in old toolchains' arrays. */
static size_t append_array(const struct module *module, const struct table *array, bool reversed, uint64_t *list, size_t count)
{
    for (uint64_t i = 0; i < array->count; i++) {
        uint64_t index = reversed ? array->count - 1 - i : i;
        uint64_t value = word_at(module_staged(module, array->address + index * sizeof value, sizeof value));
        if (value && value != UINT64_MAX)
            list[count++] = value;
    }
    return count;
}

static size_t append_initializers(struct link *link, const struct module *module, size_t count)
{
    if (module->file.in_place)
        return count;
    if (module->init)
        link->results.initializers[count++] = module->bias + module->init;
    return append_array(module, &module->init_array, false, link->results.initializers, count);
}

/* While the slots of the array can still be read. */
static bool remember_finalizers(struct link *link, struct module *module)
{
    if (!ground_pause(&link->ground))
        return false;
    if (module->file.in_place)
        return true;
    module->finalizers = arena_alloc(&link->ground, &module->arena, module->fini_array.count + 1, sizeof *module->finalizers);
    if (!module->finalizers)
        return false;
    module->finalizer_count = append_array(module, &module->fini_array, true, module->finalizers, 0);
    if (module->fini)
        module->finalizers[module->finalizer_count++] = module->bias + module->fini;
    return true;
}

bool order_finalizers(struct link *link, struct module **sorted, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += sorted[i]->finalizer_count;
    link->results.sorted = sorted;
    link->results.sorted_count = count;
    link->results.finalizer_count = 0;
    link->results.finalizers = scratch_alloc(link, total, sizeof *link->results.finalizers);
    for (size_t i = count; link->results.finalizers && i-- > 0;)
        for (size_t j = 0; j < sorted[i]->finalizer_count; j++)
            link->results.finalizers[link->results.finalizer_count++] = sorted[i]->finalizers[j];
    return link->results.finalizers;
}

struct module **order_fresh(struct link *link, size_t *count)
{
    struct module **modules = modules_fresh(link, count);
    struct module **sorted = scratch_modules(link);
    return modules && sorted && order_sort(link, modules, *count, false, sorted) ? sorted : NULL;
}

/* NULL: none. */
static void move_to_front(struct module **modules, struct module *first)
{
    for (struct module *other = first, *next; first; other = next) {
        next = *modules;
        *modules++ = other;
        if (next == first)
            return;
    }
}

bool link_order(struct link *link)
{
    if (!link->results.fresh)
        return true;
    size_t count, functions = link->results.fresh->preinit_array.count, filled = 0;
    struct module **sorted = order_fresh(link, &count), *first = NULL;
    for (struct module *module = link->results.fresh; module; module = module->next) {
        functions += module->init_array.count + 1;
        /* As glibc has it: one such object, the last to be loaded. */
        if (module->initfirst)
            first = module;
    }
    link->results.initializers = scratch_alloc(link, functions, sizeof *link->results.initializers);
    if (!sorted || !link->results.initializers)
        return false;
    move_to_front(sorted, first);
    const struct table *preinit = link->results.fresh == link->results.first ? &link->results.first->preinit_array : NULL;
    for (size_t i = 0; i < count; i++) {
        size_t before = filled, own;
        if (preinit && (sorted[i] != first || count == 1)) {
            filled = append_array(link->results.first, preinit, false, link->results.initializers, filled);
            preinit = NULL;
        }
        own = filled;
        filled = append_initializers(link, sorted[i], filled);
        sorted[i]->initializer_count = filled - before;
        if (sorted[i] == link->results.first)
            link->results.own_initializer_count = filled - own;
        if (!remember_finalizers(link, sorted[i]))
            return false;
    }
    link->results.initializer_count = filled;
    return order_finalizers(link, sorted, count);
}
