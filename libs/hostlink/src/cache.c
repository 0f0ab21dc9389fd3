/* Apart from the rest, so that a host without a cache does not bring its code along. */
#include <hostlink/target.h>

void linker_use_cache(struct linker *linker)
{
    linker->cache_functions = &link_cache_functions;
    linker->end_cache = link_cache_end;
}
