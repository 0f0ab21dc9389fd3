/* A cache for a host that links many programs with the same libraries, one after the other: a library is parsed once,
 * and from the third program on what its references are bound to is stored without a look-up. A build without cache.c
 * gives the same results, slower. */
#ifndef RTLD_CACHE_H
#define RTLD_CACHE_H
#include <rtld/link.h>

/* All zero at first. The files' bytes must stay where they are, and as they are, until link_cache_end. */
struct link_cache {
    struct cached_file *files;
    struct cached_scope *scopes;
    struct arena *arena;
    unsigned records;
    struct symbol_filter {           /* of the running link's program: the filter of its GNU hash table */
        const uint64_t *words;
        uint32_t mask, shift;
    } program_filter;
};

/* A host that names it has cache.c linked in. */
extern const struct link_cache_functions link_cache_functions;

/* Between link_init and link_load. */
static inline void link_use_cache(struct link *link, struct link_cache *cache)
{
    link->settings.cache = cache;
    link->settings.cache_functions = &link_cache_functions;
}

/* Give back what was kept; no link may use it then. */
void link_cache_end(struct link_cache *cache, const struct link_host *host);
#endif
