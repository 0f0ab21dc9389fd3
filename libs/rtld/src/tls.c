/* Thread-local storage: which module has which id, and where its block lies in the static part.
 *
 * Variant II (x86-64): blocks below the thread pointer, the first module nearest to it. Variant I (AArch64,
 * RISC-V): blocks above it, the first module nearest to it, after what the ABI reserves. Either way a block's
 * start has p_vaddr's remainder by its alignment, seen from a pointer that is itself aligned. */
#include "tls.h"

#include "psabi.h"

#define SURPLUS_ALIGN 64 /* of the block, if the program's own data asks for less */

/* The static part with a module's block added: its new size, and the block's start from the thread pointer. */
static uint64_t add_block(const struct link *link, const struct module *module, int64_t *offset)
{
    const struct psabi *psabi = psabi_find(module->machine);
    uint64_t used = link->state.tls_used, mask = module->tls_align - 1;
    if (!psabi->tls_above) {
        used += module->tls_size;
        used += -(used + module->tls_image) & mask;
        *offset = -(int64_t)used;
        return used;
    }
    used = used ? used : psabi->tls_gap;
    used += (module->tls_image - used) & mask;
    *offset = (int64_t)used;
    return used + module->tls_size;
}

static void make_static(struct link *link, struct module *module)
{
    link->state.tls_used = add_block(link, module, &module->tls_offset);
    module->tls_is_static = true;
}

/* The lowest id that no module has: ids index every thread's table, so they are used again. */
static uint64_t free_module(const struct link *link)
{
    for (uint64_t id = 1;; id++) {
        const struct module *module = link->results.first;
        while (module && module->tls_module != id)
            module = module->next;
        if (!module)
            return id;
    }
}

void tls_lay_out(struct link *link)
{
    bool first = link->results.fresh == link->results.first;
    if (first)
        link->results.tls_align = link->settings.tls_surplus ? SURPLUS_ALIGN : 1;
    bool changed = false;
    for (struct module *module = link->results.fresh; module; module = module->next) {
        if (!module->tls_size || module->tls_module)
            continue;
        if (!changed)
            link->results.tls_generation++;
        changed = true;
        module->tls_module = first ? link->results.tls_count + 1 : free_module(link);
        module->tls_generation = link->results.tls_generation;
        if (module->tls_module > link->results.tls_count)
            link->results.tls_count = module->tls_module;
        if (!first)
            continue;
        make_static(link, module);
        if (module->tls_align > link->results.tls_align)
            link->results.tls_align = module->tls_align;
    }
    if (first)
        link->results.tls_size = link->state.tls_used + link->settings.tls_surplus;
}

bool tls_make_static(struct link *link, struct module *module)
{
    int64_t offset;
    if (module->tls_is_static)
        return true;
    /* Threads may have made their own blocks of an older module. */
    if (module->committed || module->tls_align > link->results.tls_align || add_block(link, module, &offset) > link->results.tls_size)
        return false;
    make_static(link, module);
    return true;
}

void tls_give_back(struct link *link, struct module *module)
{
    bool above = psabi_find(module->machine)->tls_above;
    uint64_t used = 0;
    module->tls_is_static = false;
    for (const struct module *other = link->results.first; other; other = other->next) {
        uint64_t end = above ? (uint64_t)other->tls_offset + other->tls_size : (uint64_t)-other->tls_offset;
        if (other->tls_is_static && end > used)
            used = end;
    }
    link->state.tls_used = used;
}
