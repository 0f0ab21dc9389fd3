/* The interpreter: what PT_INTERP names. The kernel mapped the program and this, and jumped here; this links the program
 * with what it needs, in the process itself, and jumps to the program (psABI 3.4.1, gABI 5). */
#include <rtld/self.h>
#include <string.h>

#include "ld.h"

#define TLS_SURPLUS 1024

static struct interpreter ld; /* one process, one link */

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

static const char *own_soname(const struct elf_dynamic *dynamic)
{
    const char *strings = NULL;
    uint64_t name = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++)
        if (dynamic->d_tag == DT_STRTAB)
            strings = (const char *)(ld.base + dynamic->d_value);
        else if (dynamic->d_tag == DT_SONAME)
            name = dynamic->d_value;
    return strings && name ? strings + name : NULL;
}

static void open_image(const struct start_info *info, const char *path, const struct elf_dynamic *dynamic)
{
    int64_t mapped = ld_map_image(&ld, 0, info->image_size, 0, PROT_READ_ONLY);
    const char *rule = mapped < 0 ? "the boot image cannot be mapped"
                                  : archive_open(&ld.archive, (const void *)mapped, info->image_size);
    if (rule)
        ld_refuse(&ld, rule);
    ld.program_file = archive_find(&ld.archive, path);
    if (!ld.program_file)
        ld_refuse(&ld, "the program is not in the boot image");
    const char *soname = own_soname(dynamic);
    ld.own_file = soname ? archive_find_library(&ld.archive, soname) : NULL;
}

static void find_descriptor(const char *name, uint64_t *address)
{
    struct link_symbol found;
    if (link_find(&ld.link, LINK_SCOPE_DEFAULT, NULL, name, NULL, &found))
        *address = found.address;
}

static bool link_program(void)
{
    struct link *link = &ld.link;
    struct file_view view = {
        .bytes = archive_contents(&ld.archive, ld.program_file),
        .size = ld.program_file->size,
        .cookie = ld.program_file->offset,
    };
    link_init(link, &ld.host);
    link->tls_surplus = TLS_SURPLUS;
    if (!link_load(link, ld.name, &view) || !link_place(link))
        return false;
    find_descriptor("__ambilink_tlsdesc_fixed", &link->tls_descriptors.fixed);
    find_descriptor("__ambilink_tlsdesc_dynamic", &link->tls_descriptors.dynamic);
    find_descriptor("__ambilink_tlsdesc_absent", &link->tls_descriptors.absent);
    return link_relocate(link) && link_order(link);
}

/* Alone, the interpreter is no object of the link. */
static void protect_itself(void)
{
    const struct elf_header *header = (const struct elf_header *)ld.base;
    const struct elf_segment *segments = (const struct elf_segment *)(ld.base + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uint64_t start = (ld.base + segments[i].p_vaddr) & -(uint64_t)PAGE_SIZE;
        uint64_t end = (ld.base + segments[i].p_vaddr + segments[i].p_memsz) & -(uint64_t)PAGE_SIZE;
        if (segments[i].p_type == PT_GNU_RELRO && end > start)
            ld_protect(&ld, start, end - start, PROT_READ_ONLY);
    }
}

/* It protects itself with the others. */
static bool is_library(void)
{
    for (const struct module *module = ld.link.first; module && ld.own_file; module = module->next)
        if (module->file.cookie == ld.own_file->offset)
            return true;
    return false;
}

/* The start block, in the pages that the kernel left for it, where it fits. Before RELRO is protected: DT_DEBUG of the
 * program will lead to it. */
static const struct start_info *write_block(struct start_info *given)
{
    struct start_info before = *given;
    uint64_t size = PAGE_UP(start_block_size(&ld.link));
    struct shared_area area = {.here = (uint8_t *)given, .there = (uint64_t)given, .size = size};
    if (size > START_INTERPRETER_BLOCK) {
        area.there = ld_map(&ld, 0, size);
        area.here = (uint8_t *)area.there;
        if (!area.there)
            ld_refuse(&ld, "no memory for the start block");
    }
    struct start_link *list;
    struct start_info *info = start_block_write(&area, &ld.link, &list);
    list->linker_base = ld.base;
    memcpy(info->handle, before.handle, sizeof info->handle);
    info->image_size = before.image_size;
    if (before.flags & START_IMAGE_IS_LINKERS) {
        info->handle[START_HANDLE_IMAGE] = 0;
        info->image_size = 0;
    }
    if (before.flags & START_LOG_IS_LINKERS)
        info->handle[START_HANDLE_SYSTEM] = 0;
    return info;
}

__attribute__((visibility("hidden"))) uint64_t ld_main(uint64_t *stack, const struct elf_dynamic *dynamic)
{
    struct auxiliary auxiliary = read_stack(stack);
    relocate_self(auxiliary.base, dynamic);
    /* From here on, pointers in this object's own data are right, as far as they lead to itself. */
    struct start_info *info = (struct start_info *)*auxiliary.start;
    uint32_t flags = (uint32_t)info->flags;
    ld = (struct interpreter){
        .name = auxiliary.path,
        .base = auxiliary.base,
        .program_headers = auxiliary.program_headers,
        .self = info->handle[START_HANDLE_SELF],
        .image = info->handle[START_HANDLE_IMAGE],
        .log = info->handle[START_HANDLE_SYSTEM],
        .random = auxiliary.random[0],
    };
    open_image(info, auxiliary.path, dynamic);
    ld_host_init(&ld);
    if (!link_program())
        ld_refuse(&ld, "is not started");
    const struct start_info *written = write_block(info);
    if (!ld_commit(&ld))
        ld_refuse(&ld, "is not started");
    *auxiliary.start = (uint64_t)written;
    if (!is_library())
        protect_itself();
    uint64_t block_size = written == info ? START_INTERPRETER_BLOCK : PAGE_UP(start_block_size(&ld.link));
    ld_protect(&ld, (uint64_t)written, block_size, PROT_READ_ONLY);
    link_end(&ld.link);
    ld_unmap(&ld, (uint64_t)ld.archive.bytes, ld.archive.size);
    if (flags & START_IMAGE_IS_LINKERS)
        ld_close(ld.image);
    if (flags & START_LOG_IS_LINKERS)
        ld_close(ld.log);
    return auxiliary.entry;
}
