/* Processes that somebody else linked: the packer, the kernel, or an interpreter in the process itself. Their start block
 * says what is loaded where; an interpreter's is the process' own to write, so nothing in it is believed unseen. What
 * such a process asks for later needs to know its objects: then, and only then, they are linked once more, at the same
 * addresses, into memory that is thrown away (adopt_link). */
#include <rtld/elf.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

/* What lies at an address of the block; NULL: not `size` bytes of it. */
static void *view(const struct remote *remote, uint64_t there, uint64_t size)
{
    const struct shared_area *block = &remote->block->at;
    uint64_t offset = there - block->there;
    return offset % 8 == 0 && offset < block->size && size <= block->size - offset ? block->here + offset : NULL;
}

static struct start_module *next_module(const struct remote *remote, const struct start_module *module)
{
    uint64_t there = module ? module->next : remote->list ? remote->list->first : 0;
    return view(remote, there, sizeof *module);
}

/* NULL: it has no name that ends. */
static const char *name_of(const struct remote *remote, const struct start_module *module)
{
    const struct shared_area *block = &remote->block->at;
    uint64_t offset = module->name - block->there;
    return offset < block->size && memchr(block->here + offset, 0, block->size - offset)
               ? (const char *)block->here + offset
               : NULL;
}

/* Modules of a list that does not end are not asked for beyond what the block can hold. */
static size_t module_limit(const struct remote *remote)
{
    return remote->block->at.size / sizeof(struct start_module);
}

const char *adopted_name(const struct remote *remote, uint64_t index)
{
    const struct start_module *module = next_module(remote, NULL);
    while (module && index--)
        module = next_module(remote, module);
    const char *name = module ? name_of(remote, module) : NULL;
    return name ? name : "?";
}

bool adopted_base(const struct remote *remote, const char *name, uint64_t *base)
{
    size_t limit = module_limit(remote);
    for (const struct start_module *module = next_module(remote, NULL); module && limit--; module = next_module(remote, module)) {
        const char *own = name_of(remote, module);
        if (own && strcmp(own, name) == 0) {
            *base = module->base;
            return true;
        }
    }
    return false;
}

/* Bytes of a file's segments. */
static void measure(struct module_record *module, const struct image_file *file)
{
    const uint8_t *bytes = archive_contents(&loader.archive, file);
    const struct elf_header *header = (const struct elf_header *)bytes;
    if (file->size < sizeof *header || header->e_phoff % 8 || header->e_phoff > file->size ||
        header->e_phnum > (file->size - header->e_phoff) / sizeof(struct elf_segment))
        return;
    const struct elf_segment *segments = (const struct elf_segment *)(bytes + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uint64_t start = segments[i].p_vaddr & ~PAGE_MASK;
        uint64_t end = (segments[i].p_vaddr + segments[i].p_memsz + PAGE_MASK) & ~PAGE_MASK;
        if (segments[i].p_type == PT_LOAD)
            *(segments[i].p_flags & PF_W ? &module->writable : &module->read_only) += end - start;
    }
}

size_t adopted_count(const struct remote *remote)
{
    if (!remote->block)
        return 0;
    size_t count = 0, limit = module_limit(remote);
    for (const struct start_module *at = next_module(remote, NULL); at && count < limit; at = next_module(remote, at))
        count++;
    return count;
}

bool adopt_modules(struct child *child)
{
    const struct remote *remote = &child->remote;
    size_t count = adopted_count(remote);
    child->modules = calloc(count ? count : 1, sizeof *child->modules);
    if (!child->modules)
        return false;
    const struct start_module *at = NULL;
    while (child->module_count < count && (at = next_module(remote, at))) {
        const char *name = name_of(remote, at);
        /* The program comes first. */
        const struct image_file *file = child->module_count ? archive_find_library(&loader.archive, name ? name : "")
                                                            : archive_file(&loader.archive, child->service->file);
        struct module_record *module = &child->modules[child->module_count++];
        *module = (struct module_record){
            .name = strdup(name ? name : "?"),
            .base = at->base,
            .low = at->low - at->base,
            .high = at->high - at->base,
        };
        if (!module->name)
            return false;
        if (file)
            measure(module, file);
    }
    return true;
}

bool adopt_link(struct child *child)
{
    struct remote *remote = &child->remote;
    bool good = remote_link(remote, archive_file(&loader.archive, child->service->file));
    /* Each image of the fresh link is the next module of the list, or this is no list of ours. */
    struct start_module *entry = NULL;
    for (struct module *module = remote->link.results.first; good && module; module = module->next) {
        entry = next_module(remote, entry);
        const char *name = entry ? name_of(remote, entry) : NULL;
        good = name && strcmp(name, module->name) == 0;
        module->host_data = good ? entry : NULL;
    }
    if (!good) {
        for (struct module *module = remote->link.results.first; module; module = module->next)
            module->host_data = NULL; /* not ours to take out of the list */
        link_abandon(&remote->link);
        remote_close_windows(remote);
        return false;
    }
    remote->block->modules = (unsigned)remote->link.results.module_count;
    link_commit(&remote->link);
    remote_close_windows(remote);
    remote->is_strange = false;
    return true;
}

static bool map_block(struct remote *remote, const struct loaded_process *loaded)
{
    remote->block = area_adopt(remote, loaded->block, loaded->block_address, loaded->block_size);
    if (!remote->block)
        return false;
    const struct start_info *info = (const struct start_info *)remote->block->at.here;
    /* An interpreter writes it when the process runs. */
    remote->list = view(remote, info->link, sizeof *remote->list);
    return true;
}

bool adopt_process(struct child *child, const struct loaded_process *loaded)
{
    struct remote *remote = &child->remote;
    remote_init(remote, loaded->process, child->name);
    remote->is_strange = true;
    remote->next_address = loaded->low ? loaded->low : remote->next_address;
    child->number = loaded->number;
    if (loader.next_number <= loaded->number)
        loader.next_number = loaded->number + 1;
    /* A program with another system's calls has no start block. */
    bool good = !loaded->block || map_block(remote, loaded);
    if (loaded->block)
        sys_handle_close(loaded->block);
    if (!good)
        say("%s: no memory to remember it", child->name);
    return good;
}

bool adopt_refresh(struct child *child)
{
    struct remote *remote = &child->remote;
    if (child->service->linker != IMAGE_LINKER_INTERP || !remote->is_strange || !remote->block)
        return false;
    const struct start_info *info = (const struct start_info *)remote->block->at.here;
    remote->list = view(remote, info->link, sizeof *remote->list);
    return true;
}
