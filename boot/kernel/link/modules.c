/* Kernel modules: shared objects of the boot image, linked at boot by libs/hostlink against what the kernel exports.
 * The exports are an object as well, modules/kernel.so, which holds symbols with the addresses that this very kernel
 * was linked for. A module is never unloaded: when the last one runs, the linker is forgotten. */
#include "link/modules.h"

#include <hostlink/archive.h>

#include "base/log.h"
#include "base/record.h"
#include "link/link.h"
#include "memory/area.h"
#include "memory/page_table.h"
#include "memory/pool.h"

#define FOLDER "modules/"
#define EXPORTS "modules/kernel.so"
#define NAME_MAX 96

static const struct module_memory *loaded;

struct module_link {
    const char *name; /* of the module that is being loaded */
    struct module_memory *memories;
    void *kept; /* a page that was released, for the next who asks: each call of the linker wants one; NULL: none */
    struct linker linker;
    struct target target;
};

static void *allocate(void *context, uint64_t *size)
{
    struct module_link *linking = context;
    if (!linking->kept || *size > PAGE_SIZE)
        return link_allocate(context, size);
    void *page = linking->kept;
    linking->kept = NULL;
    *size = PAGE_SIZE;
    return page;
}

static void release(void *context, void *block, uint64_t size)
{
    struct module_link *linking = context;
    if (!linking->kept && size == PAGE_SIZE)
        linking->kept = block;
    else
        link_release(context, block, size);
}

static bool open_module(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)context;
    (void)referrer;
    char path[NAME_MAX] = FOLDER;
    size_t length = sizeof FOLDER - 1;
    while (*name && length < sizeof path - 1)
        path[length++] = *name++;
    const struct image_file *file = *name ? NULL : archive_find(&boot_image.archive, path);
    if (!file || !boot_image_check(file->offset, PAGE_UP(file->size)))
        return false;
    *view = archive_view(&boot_image.archive, file);
    return true;
}

static uint64_t reserve(void *context, uint64_t size, uint64_t align)
{
    (void)context;
    return align > PAGE_SIZE ? 0 : kernel_reserve(size);
}

static void unreserve(void *context, uint64_t address, uint64_t size)
{
    (void)context;
    (void)size;
    kernel_unmap((void *)address);
}

/* Where the record is kept of the memory around an address; at its end: there is none. */
static struct module_memory **find_memory(struct module_link *linking, uint64_t address)
{
    struct module_memory **at = &linking->memories;
    while (*at && address - (*at)->address >= (*at)->memory->size)
        at = &(*at)->next;
    return at;
}

static bool map_fresh(struct module_link *linking, const struct target_mapping *mapping)
{
    struct module_memory *record = pool_alloc(NULL, sizeof *record);
    struct memory *memory = record ? memory_create(NULL, mapping->size) : NULL;
    if (!memory || !page_map(kernel_page_table, mapping->address, memory, 0, mapping->size, mapping->prot)) {
        if (memory)
            object_release(memory);
        if (record)
            pool_free(record);
        return false;
    }
    *record = (struct module_memory){linking->memories, mapping->address, memory};
    linking->memories = record;
    return true;
}

static size_t map(void *context, const struct target_mapping *mappings, size_t count)
{
    struct module_link *linking = context;
    for (size_t i = 0; i < count; i++) {
        const struct target_mapping *mapping = &mappings[i];
        bool good = mapping->source == TARGET_ZERO
                        ? map_fresh(linking, mapping)
                        : page_map(kernel_page_table, mapping->address, boot_image.run,
                                   mapping->file->file_id + mapping->offset, mapping->size, mapping->prot);
        if (!good) {
            log_format("kernel: module %s: no memory to map it\n", linking->name);
            return i;
        }
        if (mapping->prot & RIGHT_EXECUTE)
            code_mapped(kernel_page_table, mapping->address, boot_image.run->start + mapping->file->file_id + mapping->offset);
    }
    return count;
}

static void unmap(void *context, uint64_t address, uint64_t size)
{
    struct module_memory **at = find_memory(context, address), *record = *at;
    page_unmap(kernel_page_table, address, size);
    if (!record)
        return;
    *at = record->next;
    object_release(record->memory);
    pool_free(record);
}

static bool protect(void *context, uint64_t address, uint64_t size, unsigned prot)
{
    const struct module_memory *record = *find_memory(context, address);
    if (record)
        page_protect(kernel_page_table, address, record->memory, address - record->address, size, prot);
    return record;
}

static bool log_line(void *context, const char *text)
{
    const struct module_link *linking = context;
    log_format("kernel: module %s: %s\n", linking->name, text);
    return true;
}

static const struct target_host module_host = {
    .allocate = allocate,
    .release = release,
    .open = open_module,
    .reserve = reserve,
    .unreserve = unreserve,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .random = link_random,
    .log = log_line,
};

static bool load(struct module_link *linking, const char *name)
{
    struct target *target = &linking->target;
    const struct link *link = &target->link;
    linking->name = name;
    if (!target_open(target, name, LINK_OPEN_GLOBAL | LINK_OPEN_KEEP) || !target_map(target))
        return false;
    for (size_t i = 0; link->results.fresh && i < link->results.initializer_count; i++)
        ((void (*)(void))link->results.initializers[i])();
    target_commit(target);
    return true;
}

static bool load_exports(struct module_link *linking)
{
    const struct image_file *file = archive_find(&boot_image.archive, EXPORTS);
    linking->name = "kernel.so";
    if (!file) {
        log_format("kernel: %s is not in the boot image, and modules need it\n", EXPORTS);
        return false;
    }
    if (!boot_image_check_file(file))
        return false;
    struct file_view view = archive_view(&boot_image.archive, file);
    view.in_place = true;
    if (!target_link(&linking->target, linking->name, &view))
        return false;
    linking->target.link.results.first->bias = kernel_layout.base;
    target_commit(&linking->target);
    return true;
}

static void load_all(struct module_link *linking)
{
    bool exports = false;
    for (uint32_t i = 0; i < boot_image.archive.header->file_count; i++) {
        const struct image_file *file = &boot_image.archive.files[i];
        if (file->kind != IMAGE_FILE_MODULE)
            continue;
        if (!exports && !(exports = load_exports(linking))) {
            boot_image.failures++;
            return;
        }
        if (!load(linking, boot_image_name(file) + sizeof FOLDER - 1))
            boot_image.failures++;
    }
}

void modules_load(void)
{
    struct module_link linking;
    linking.memories = NULL;
    linking.kept = NULL;
    linker_init(&linking.linker, &module_host);
    linking.linker.tls_surplus = 0; /* modules have no thread-local data */
    linking.linker.descriptors = (struct tls_descriptor_names){0};
    target_init(&linking.target, &linking.linker, &linking, 0);
    load_all(&linking);
    target_end(&linking.target);
    if (linking.kept)
        kernel_unmap(linking.kept);
    loaded = linking.memories;
}

const struct module_memory *modules_memories(void)
{
    return loaded;
}
