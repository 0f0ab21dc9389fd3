/* Slots that wait for a function of the program. */
#include "pending_ifunc.h"

#include "modules.h"
#include "order.h"
#include "slot.h"

bool pending_ifunc_add(struct link *link, const struct pending_ifunc *pending)
{
    struct link_results *results = &link->results;
    if (results->pending_ifunc_count == link->state.pending_ifunc_limit) {
        size_t limit = link->state.pending_ifunc_limit * 2 + 64;
        struct pending_ifunc *larger = scratch_alloc(link, limit, sizeof *larger);
        if (!larger)
            return false;
        if (results->pending_ifunc_count)
            memcpy(larger, results->pending_ifuncs, results->pending_ifunc_count * sizeof *larger);
        results->pending_ifuncs = larger;
        link->state.pending_ifunc_limit = limit;
    }
    results->pending_ifuncs[results->pending_ifunc_count++] = *pending;
    return true;
}

bool pending_ifunc_copy(struct link *link, struct module *module, uint64_t from, uint64_t to, uint64_t size)
{
    for (size_t i = 0, count = link->results.pending_ifunc_count; i < count; i++) {
        struct pending_ifunc pending = link->results.pending_ifuncs[i];
        if (!within(pending.place - from, SLOT_SIZE, size))
            continue;
        pending.module = module;
        pending.place += to - from;
        if (!pending_ifunc_add(link, &pending))
            return false;
    }
    return true;
}

/* So that a resolver may call what its object needs: needed objects' first, and in each object first the slots
 * that others' functions fill. */
static bool sort(struct link *link)
{
    struct link_results *results = &link->results;
    size_t count;
    struct module **sorted = order_fresh(link, &count);
    struct pending_ifunc *list = scratch_alloc(link, results->pending_ifunc_count, sizeof *list), *end = list;
    if (!sorted || !list)
        return false;
    for (size_t i = 0; i < 2 * count; i++) {
        const struct module *module = sorted[i / 2];
        const bool own = i % 2;
        if (!ground_work(&link->ground, module->name, results->pending_ifunc_count / 32))
            return false;
        for (size_t j = 0; j < results->pending_ifunc_count; j++) {
            const struct pending_ifunc *pending = &results->pending_ifuncs[j];
            if (pending->module == module && (module_segment(module, pending->resolver - module->bias) != NULL) == own)
                *end++ = *pending;
        }
    }
    results->pending_ifuncs = list;
    return true;
}

bool pending_ifunc_finish(struct link *link)
{
    struct link_results *results = &link->results;
    const struct link_host *host = link->settings.host;
    if (!results->pending_ifunc_count)
        return true;
    if (!sort(link))
        return false;
    if (!host->call_resolver)
        return true;
    for (size_t i = 0; i < results->pending_ifunc_count; i++) {
        const struct pending_ifunc *pending = &results->pending_ifuncs[i];
        struct slots slots = slots_of(link, pending->module);
        uint64_t value = host->call_resolver(host->context, pending->resolver) + pending->addend;
        if (!slot_store(&slots, pending->place - pending->module->bias, value))
            return false;
    }
    results->pending_ifunc_count = 0;
    return true;
}
