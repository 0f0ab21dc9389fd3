/* The first thread's block of thread-local storage, made of the modules' initial contents as they are after relocation. */
#include <string.h>

#include "internal.h"

static uint64_t up(uint64_t size, uint64_t align)
{
    return (size + align - 1) & -align;
}

/* A module's initial bytes, in the loader's view; NULL: there are none. */
static const void *initial_bytes(const struct module *module)
{
    if (!module->tls_image_size)
        return NULL;
    const void *staged = module_staged(module, module->tls_image, module->tls_image_size);
    return staged ? staged : module_data(module, module->tls_image, module->tls_image_size, 1);
}

bool thread_block_make(struct loader_process *process, struct target_area **area, uint64_t *thread_pointer)
{
    const struct link *link = &process->target.link;
    const struct link_results *results = &link->results;
    uint64_t control = process->loader->thread_control_size, align = results->tls_align ? results->tls_align : 1;
    *area = NULL;
    *thread_pointer = 0;
    if (!control)
        return true;
    if (align > AMBILINK_PAGE_SIZE) {
        process_log(process, "its thread-local storage wants a larger alignment than a page", "");
        return false;
    }
    /* x86-64 (variant II): blocks, then the control block at the pointer. Others (variant I): the other way round. */
    bool below = results->first->machine == EM_X86_64;
    uint64_t before = up(below ? results->tls_size : control, align < 16 ? 16 : align);
    *area = target_area_make(&process->target, before + (below ? control : results->tls_size), PROT_READ_WRITE);
    if (!*area) {
        process_log(process, "no memory for its thread-local storage", "");
        return false;
    }
    uint8_t *pointer = (*area)->at.here + before;
    *thread_pointer = (*area)->at.there + before;
    for (const struct module *module = results->first; module; module = module->next) {
        const void *bytes = module->tls_is_static ? initial_bytes(module) : NULL;
        if (bytes)
            memcpy(pointer + module->tls_offset, bytes, module->tls_image_size);
    }
    if (below)
        memcpy(pointer, thread_pointer, sizeof *thread_pointer);
    return true;
}
