/* The kernel as a host of libs/hostlink, for a process that has no linker yet. The files are the boot image's; read-only
 * segments are its frames, writable ones are prepared through kernel addresses. */
#include "link/link.h"

#include <hostlink/archive.h>

#include "base/log.h"
#include "base/random.h"
#include "base/work.h"
#include "memory/area.h"

void *link_allocate(void *context, uint64_t *size)
{
    (void)context;
    *size = PAGE_UP(*size);
    return kernel_alloc(*size);
}

/* A program with its libraries takes more than a page: two blocks would cost more than two pages. */
#define LEAST_BLOCK (2 * PAGE_SIZE)

static void *allocate(void *context, uint64_t *size)
{
    if (*size < LEAST_BLOCK)
        *size = LEAST_BLOCK;
    return link_allocate(context, size);
}

void link_release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)size;
    kernel_unmap(block);
}

uint64_t link_random(void *context)
{
    (void)context;
    return random_next();
}

static bool open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)context;
    (void)referrer;
    const struct image_file *file = archive_find_library(&boot_image.archive, name);
    if (!file || !boot_image_check_file(file))
        return false;
    *view = archive_view(&boot_image.archive, file);
    return true;
}

static bool log_line(void *context, const char *text)
{
    const struct process_link *linking = context;
    if (!gives_up())
        log_format("kernel: %s: %s\n", linking->service, text);
    return true;
}

static bool stage(void *context, struct staging *staging)
{
    if (staging->size > MEMORY_SIZE_MAX)
        log_line(context, "it needs more writable memory at once than one memory object has");
    const struct process_link *linking = context;
    struct memory *memory = memory_create(linking->process->budget, staging->size);
    staging->here = memory ? kernel_map_made(memory) : NULL;
    return staging->here;
}

static void unstage(void *context, const struct staging *staging)
{
    (void)context;
    kernel_unmap(staging->here);
}

struct memory *process_link_memory(const struct staging *staging)
{
    return kernel_mapped(staging->here);
}

static size_t map(void *context, const struct target_mapping *mappings, size_t count)
{
    const struct process_link *linking = context;
    for (size_t i = 0; i < count; i++) {
        const struct target_mapping *mapping = &mappings[i];
        bool is_file = mapping->source == TARGET_FILE;
        struct memory *memory = is_file ? boot_image.run : process_link_memory(mapping->staging);
        uint64_t offset = mapping->offset + (is_file ? mapping->file->file_id : 0);
        /* What is writable now may be RELRO, which the process ends itself. */
        unsigned prot = mapping->prot & RIGHT_WRITE ? mapping->prot : mapping->prot | PROT_FINAL;
        int64_t status = space_map(&linking->process->space, memory, offset, mapping->size, mapping->address, prot,
                                   memory_max_prot(memory));
        if (status < 0) {
            log_format("kernel: %s: %s cannot be mapped, status %d\n", linking->service,
                       mapping->name ? mapping->name : "its start block", status);
            return i;
        }
    }
    return count;
}

static void unmap(void *context, uint64_t address, uint64_t size)
{
    const struct process_link *linking = context;
    space_unmap(&linking->process->space, address, size);
}

static bool protect(void *context, uint64_t address, uint64_t size, unsigned prot)
{
    const struct process_link *linking = context;
    return space_protect(&linking->process->space, address, size, prot) == STATUS_OK;
}

#define WORK_OF_LINKING 16 /* what libs/rtld does between two pauses */

static bool pause_link(void *context)
{
    (void)context;
    work_did(WORK_OF_LINKING);
    work_pause();
    return !gives_up();
}

static const struct target_host process_host = {
    .allocate = allocate,
    .release = link_release,
    .open = open_library,
    .stage = stage,
    .unstage = unstage,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .pause = pause_link,
    .random = link_random,
    .log = log_line,
};

void process_linker_init(struct linker *linker)
{
    linker_init(linker, &process_host);
    linker_use_cache(linker); /* the image's bytes stay where they are */
}

bool process_link(struct process_link *linking, struct linker *linker, struct process *process, const char *name,
                  const struct image_file *file, const struct image_service *service)
{
    linking->process = process;
    linking->service = name;
    target_init(&linking->target, linker, linking, 0);
    const char *preloads[IMAGE_PRELOADS_MAX];
    if (service) {
        linking->target.is_lazy = service->binding == IMAGE_BINDING_LAZY;
        target_preload(&linking->target, preloads, archive_preloads(&boot_image.archive, service, preloads));
    }
    struct file_view program = archive_view(&boot_image.archive, file);
    return boot_image_check_file(file) && target_link(&linking->target, boot_image_name(file), &program);
}
