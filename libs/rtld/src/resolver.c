/* Words that a function of the program must fill (IFUNC), when everything else is in its place. */
#include <string.h>

#include "relocate.h"

bool resolver_add(struct link *link, const struct link_resolver *resolver)
{
    if (link->resolver_count == link->resolver_limit) {
        size_t limit = link->resolver_limit ? link->resolver_limit * 2 : 64;
        struct link_resolver *larger = scratch_alloc(link, limit, sizeof *larger);
        if (!larger)
            return false;
        if (link->resolver_count)
            memcpy(larger, link->resolvers, link->resolver_count * sizeof *larger);
        link->resolvers = larger;
        link->resolver_limit = limit;
    }
    link->resolvers[link->resolver_count++] = *resolver;
    return true;
}

static size_t take_resolvers(const struct link *link, const struct module *module, bool own, struct link_resolver *to)
{
    size_t count = 0;
    for (size_t i = 0; i < link->resolver_count; i++) {
        const struct link_resolver *resolver = &link->resolvers[i];
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
    struct link_resolver *resolvers = scratch_alloc(link, link->resolver_count, sizeof *resolvers);
    if (!sorted || !resolvers)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!link_work(link, sorted[i], link->resolver_count / 16))
            return false;
        filled += take_resolvers(link, sorted[i], false, resolvers + filled);
        filled += take_resolvers(link, sorted[i], true, resolvers + filled);
    }
    link->resolvers = resolvers;
    return true;
}

bool relocate_resolvers(struct link *link)
{
    const struct link_host *host = link->host;
    if (!link->resolver_count || !sort_resolvers(link))
        return !link->resolver_count;
    if (!host->resolve)
        return true;
    for (size_t i = 0; i < link->resolver_count; i++) {
        const struct link_resolver *resolver = &link->resolvers[i];
        struct relocation relocation = relocation_of(link, resolver->module);
        uint64_t value = host->resolve(host->context, resolver->resolver) + resolver->addend;
        if (!relocation_store(&relocation, resolver->place - resolver->module->bias, value))
            return false;
    }
    link->resolver_count = 0;
    return true;
}
