/* Words that a function of the program must fill (IFUNC), when everything else is in its place. */
#include <string.h>

#include "relocate.h"

bool pending_ifunc_add(struct link *link, const struct pending_ifunc *resolver)
{
    if (link->results.pending_ifunc_count == link->state.pending_ifunc_limit) {
        size_t limit = link->state.pending_ifunc_limit ? link->state.pending_ifunc_limit * 2 : 64;
        struct pending_ifunc *larger = scratch_alloc(link, limit, sizeof *larger);
        if (!larger)
            return false;
        if (link->results.pending_ifunc_count)
            memcpy(larger, link->results.pending_ifuncs, link->results.pending_ifunc_count * sizeof *larger);
        link->results.pending_ifuncs = larger;
        link->state.pending_ifunc_limit = limit;
    }
    link->results.pending_ifuncs[link->results.pending_ifunc_count++] = *resolver;
    return true;
}

static size_t take_resolvers(const struct link *link, const struct module *module, bool own, struct pending_ifunc *to)
{
    size_t count = 0;
    for (size_t i = 0; i < link->results.pending_ifunc_count; i++) {
        const struct pending_ifunc *resolver = &link->results.pending_ifuncs[i];
        if (resolver->module == module && (module_segment(module, resolver->resolver - module->bias) != NULL) == own)
            to[count++] = *resolver;
    }
    return count;
}

/* So that a resolver may call what its object needs: needed objects' first, and in each object first the words
 * that others' functions fill. */
static bool sort_resolvers(struct link *link)
{
    size_t count, filled = 0;
    struct module **sorted = order_fresh(link, &count);
    struct pending_ifunc *resolvers = scratch_alloc(link, link->results.pending_ifunc_count, sizeof *resolvers);
    if (!sorted || !resolvers)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!ground_work(&link->ground, sorted[i], link->results.pending_ifunc_count / 16))
            return false;
        filled += take_resolvers(link, sorted[i], false, resolvers + filled);
        filled += take_resolvers(link, sorted[i], true, resolvers + filled);
    }
    link->results.pending_ifuncs = resolvers;
    return true;
}

bool relocate_resolvers(struct link *link)
{
    const struct link_host *host = link->settings.host;
    if (!link->results.pending_ifunc_count || !sort_resolvers(link))
        return !link->results.pending_ifunc_count;
    if (!host->call_resolver)
        return true;
    for (size_t i = 0; i < link->results.pending_ifunc_count; i++) {
        const struct pending_ifunc *resolver = &link->results.pending_ifuncs[i];
        struct relocation relocation = relocation_of(link, resolver->module);
        uint64_t value = host->call_resolver(host->context, resolver->resolver) + resolver->addend;
        if (!relocation_store(&relocation, resolver->place - resolver->module->bias, value))
            return false;
    }
    link->results.pending_ifunc_count = 0;
    return true;
}
