/* Apart from the rest, so that a loader without a cache does not bring its code along. */
#include <loaderkit/loader.h>

void loader_use_cache(struct loader *loader)
{
    linker_use_cache(&loader->linker);
}
