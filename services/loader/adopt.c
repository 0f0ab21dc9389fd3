#include "adopt.h"

#include <hostlink/archive.h>

#include "image_files.h"

void adopt_process(struct child *child, const struct port_process *process)
{
    const struct port_memory *block = &process->block;
    const struct staging view = {.here = block->view, .size = block->size, .id = block->id};
    child_begin(child, process->space, process->number, process->low);
    /* A program with another system's calls has no start block. */
    target_adopt(&child->target, block->id ? &view : NULL, process->block_address);
    if (child->target.list)
        child->object_count = module_list_count(&child->target.block->at, child->target.list);
}

bool adopt_refresh(struct child *child)
{
    struct target *target = &child->target;
    if (child->service->linker != IMAGE_LINKER_INTERP || !target->linked_elsewhere || !target->block)
        return false;
    target_find_list(target);
    return true;
}

bool adopt_link(struct child *child)
{
    const struct loader *loader = child->space.loader;
    const struct image_file *program = child_program(child);
    if (!image_file_check(loader, program))
        return false;
    const struct file_view view = archive_view(&loader->archive, program);
    return target_relink(&child->target, image_file_name(loader, program), &view);
}
