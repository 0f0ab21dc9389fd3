/* The interpreter: what PT_INTERP names. The kernel mapped the program and this, and jumped here; this links the program
 * with what it needs, in the process itself, and jumps to the program (psABI 3.4.1, gABI 5). */
#include <rtld/self.h>
#include <string.h>

#include "ld.h"

struct auxiliary {
    const uint64_t *random;
    const char *path;
    uint64_t base, entry, program_headers, *start; /* start: the word that leads to struct start_info */
};

static struct auxiliary read_stack(uint64_t *stack)
{
    struct auxiliary found = {0};
    uint64_t *at = stack + stack[0] + 2;
    while (*at++)
        ;
    for (; at[0] != AT_NULL; at += 2)
        if (at[0] == AT_BASE)
            found.base = at[1];
        else if (at[0] == AT_ENTRY)
            found.entry = at[1];
        else if (at[0] == AT_PHDR)
            found.program_headers = at[1];
        else if (at[0] == AT_RANDOM)
            found.random = (const uint64_t *)at[1];
        else if (at[0] == AT_EXECFN)
            found.path = (const char *)at[1];
        else if (at[0] == AT_START)
            found.start = &at[1];
    return found;
}

static void open_image(struct interpreter *ld, const struct start_info *info)
{
    int64_t mapped = ld_map_image(ld, 0, info->image_size, 0, PROT_READ_ONLY);
    const char *rule = mapped < 0 ? "the boot image cannot be mapped"
                                  : archive_open(&ld->archive, (const void *)mapped, info->image_size);
    if (rule)
        ld_refuse(ld, rule);
    ld->program_file = archive_find(&ld->archive, ld->name);
    if (!ld->program_file)
        ld_refuse(ld, "the program is not in the boot image");
    ld->own_file = ld->own.soname ? archive_find_library(&ld->archive, ld->own.soname) : NULL;
}

/* Alone, the interpreter is no object of the link. */
static void protect_itself(const struct interpreter *ld)
{
    for (unsigned i = 0; i < ld->own.segment_count; i++) {
        const struct segment *segment = &ld->own.segments[i];
        if (segment->relro_size)
            ld_protect(ld, ld->base + segment->relro_address, segment->relro_size, PROT_READ_ONLY);
    }
}

/* It protects itself with the others. */
static bool is_library(const struct interpreter *ld)
{
    for (const struct module *module = ld->target.link.results.first; module && ld->own_file; module = module->next)
        if (module->file.file_id == ld->own_file->offset)
            return true;
    return false;
}

/* The start block, in the pages that the kernel left for it, where it fits. */
static uint64_t write_block(struct interpreter *ld, const struct start_info *given)
{
    const struct start_info before = *given;
    struct target *target = &ld->target;
    struct shared_area left = {(uint8_t *)given, (uint64_t)given,
                               start_interpreter_block(archive_library_count(&ld->archive)), 0};
    struct start_info *info = target_describe(target, &left);
    if (!info)
        ld_refuse(ld, "no memory for the start block");
    target->list->linker_base = ld->base;
    memcpy(info->handle, before.handle, sizeof info->handle);
    info->flags |= before.flags & START_MAY_BE_GIVEN;
    info->image_size = before.image_size;
    if (before.flags & START_IMAGE_IS_LINKERS) {
        info->handle[START_HANDLE_IMAGE] = 0;
        info->image_size = 0;
    }
    if (before.flags & START_LOG_IS_LINKERS)
        info->handle[START_HANDLE_SYSTEM] = 0;
    return (uint64_t)info;
}

static void link_program(struct interpreter *ld, struct start_info *info, uint64_t *start)
{
    struct file_view program = archive_view(&ld->archive, ld->program_file);
    ld_host_init(ld);
    const struct image_service *service = archive_find_service(&ld->archive, ld->service);
    const char *names[IMAGE_PRELOADS_MAX];
    if (service) {
        ld->target.is_lazy = service->binding == IMAGE_BINDING_LAZY;
        target_preload(&ld->target, names, archive_preloads(&ld->archive, service, names));
    }
    if (!target_link(&ld->target, ld->name, &program))
        ld_refuse(ld, "is not started");
    *start = write_block(ld, info);
    if (!target_map(&ld->target))
        ld_refuse(ld, "is not started");
    target_commit(&ld->target);
    if (!is_library(ld))
        protect_itself(ld);
    target_end(&ld->target);
}

__attribute__((visibility("hidden"))) uint64_t ld_main(uint64_t *stack, const struct elf_dynamic *dynamic)
{
    struct auxiliary auxiliary = read_stack(stack);
    relocate_self(auxiliary.base, dynamic);
    /* From here on, pointers in this object's own data are right, as far as they lead to itself. */
    struct start_info *info = (struct start_info *)*auxiliary.start;
    uint32_t flags = (uint32_t)info->flags;
    struct interpreter ld; /* one process, one link; the functions below set the rest */
    ld.name = auxiliary.path;
    ld.service = stack[0] ? (const char *)stack[1] : "";
    ld.base = auxiliary.base;
    ld.program_headers = auxiliary.program_headers;
    ld.self = info->handle[START_HANDLE_SELF];
    ld.image = info->handle[START_HANDLE_IMAGE];
    ld.log = info->handle[START_HANDLE_SYSTEM];
    ld.random = auxiliary.random[0];
    ld_parse_itself(&ld);
    open_image(&ld, info);
    link_program(&ld, info, auxiliary.start);
    ld_unmap(&ld, (uint64_t)ld.archive.bytes, ld.archive.size);
    if (flags & START_IMAGE_IS_LINKERS)
        ld_close(ld.image);
    if (flags & START_LOG_IS_LINKERS)
        ld_close(ld.log);
    return auxiliary.entry;
}
