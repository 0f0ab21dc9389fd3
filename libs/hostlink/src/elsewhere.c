/* Programs that another linker linked. */
#include <string.h>

#include "internal.h"

void target_adopt(struct target *target, const struct staging *view, uint64_t address)
{
    target->linked_elsewhere = true;
    if (!view)
        return;
    adopt_block(target, view, address);
    target_find_list(target);
}

void target_find_list(struct target *target)
{
    const struct shared_area *block = target->block ? &target->block->at : NULL;
    const struct start_info *info = block ? module_list_view(block, block->there, sizeof *info) : NULL;
    target->list = info ? module_list_view(block, info->link, sizeof *target->list) : NULL;
}

/* Each module of the link is the next one of the list, or this is no list of ours. */
static bool match_list(struct target *target)
{
    const struct shared_area *block = &target->block->at;
    struct start_module *entry = NULL;
    for (struct module *module = target->link.results.first; module; module = module->next) {
        entry = module_list_next(block, target->list, entry);
        const char *name = entry ? module_list_name(block, entry) : NULL;
        if (!name || strcmp(name, module->name) != 0) {
            host_of(target)->log(target->context, "the list of modules is not that of the files");
            return false;
        }
        module->host_data = entry;
    }
    return true;
}

bool target_relink(struct target *target, const char *name, const struct file_view *program)
{
    if (!target->list)
        return host_of(target)->log(target->context, "there is no list of modules"), false;
    target->relinking = true;
    target->areas_before = target->areas;
    bool good = link_program(target, name, program) && match_list(target);
    if (good) {
        target->block->modules = (unsigned)target->link.results.module_count;
        target_commit(target);
        target->linked_elsewhere = false;
    } else {
        target_abandon(target);
    }
    target->relinking = false;
    return good;
}
