/* Forgetting a module. */
#include "drop.h"

#include "modules.h"
#include "scope.h"
#include "tls.h"

void module_drop(struct link *link, struct module *module)
{
    struct arena *arena = module->arena;
    global_remove(link, module);
    scope_forget_unique(link, module);
    if (module->tls_module)
        link->results.tls_generation++;
    if (module->tls_is_static)
        tls_give_back(link, module);
    if (link->settings.host->drop)
        link->settings.host->drop(link->settings.host->context, module);
    link->results.module_count--;
    if (--arena->modules == 0)
        arena_free(&link->ground, &arena);
}
