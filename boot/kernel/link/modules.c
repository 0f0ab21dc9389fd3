/* Kernel modules: shared objects of the boot image, linked at boot by libs/rtld against what the kernel exports. The exports
 * are an object as well, modules/kernel.so, which holds symbols with the addresses of this very kernel. */
#include "kernel.h"

#define FOLDER "modules/"
#define EXPORTS "modules/kernel.so"
#define OPEN_MAX 16    /* objects that one module brings */
#define SEGMENTS_MAX 64
#define NAME_MAX 96

/* What the module that is being loaded has taken so far. */
static struct opening {
    const char *name;
    uint64_t ranges[OPEN_MAX];
    unsigned range_count;
    struct memory *memories[SEGMENTS_MAX];
    unsigned memory_count;
} opening;

static struct link_host host;
static struct link modules;

static bool open_module(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)context;
    (void)referrer;
    char path[NAME_MAX] = FOLDER;
    size_t length = sizeof FOLDER - 1;
    while (*name && length < sizeof path - 1)
        path[length++] = *name++;
    const struct image_file *file = *name ? NULL : archive_find(&boot_image.archive, path);
    if (!file || !boot_image_check(file))
        return false;
    *view = link_view(file);
    return true;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    (void)context;
    if (module->file.in_place)
        return true; /* its symbols are absolute */
    uint64_t size = module->high - module->low;
    if (opening.range_count == OPEN_MAX || module->align > PAGE_SIZE)
        return false;
    uint64_t start = kernel_reserve(size);
    if (!start)
        return false;
    opening.ranges[opening.range_count++] = start;
    *bias = start - module->low;
    return true;
}

static void *segment_window(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)context;
    (void)filled;
    static uint8_t nothing[1];
    if (module->file.in_place)
        return nothing;
    struct memory *memory = opening.memory_count < SEGMENTS_MAX ? memory_create(segment->pages_size) : NULL;
    if (!memory)
        return NULL;
    opening.memories[opening.memory_count++] = memory;
    uint64_t start = module->bias + segment->page_address;
    return page_map(kernel_page_table, start, memory, 0, segment->pages_size, PROT_READ_WRITE) ? (void *)start : NULL;
}

static bool report(void *context, const struct diagnostic *diagnostic)
{
    (void)context;
    char text[512];
    diagnostic_text(diagnostic, text, sizeof text);
    log_format("kernel: module %s: %s\n", opening.name, text);
    return true;
}

/* Read-only segments are the image's frames; RELRO becomes read-only. */
static bool map_segment(const struct module *module, const struct segment *segment, unsigned *memory)
{
    uint64_t address = module->bias + segment->page_address;
    if (segment->flags & PF_W) {
        const struct memory *own = opening.memories[(*memory)++];
        uint64_t start = module->bias + segment->relro_address;
        return page_map(kernel_page_table, start, own, start - address, segment->relro_size, PROT_READ_ONLY);
    }
    uint64_t offset = module->file.cookie + segment->file_offset - (segment->address - segment->page_address);
    return page_map(kernel_page_table, address, boot_image.run, offset, segment->pages_size,
                    segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY);
}

static bool map_fresh(void)
{
    unsigned memory = 0;
    for (const struct module *module = modules.fresh; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++)
            if (!map_segment(module, &module->segments[i], &memory)) {
                log_format("kernel: module %s: no memory to map it\n", opening.name);
                return false;
            }
    return true;
}

static void give_back(void)
{
    link_abandon(&modules);
    for (unsigned i = 0; i < opening.range_count; i++)
        kernel_unmap((void *)opening.ranges[i]);
    for (unsigned i = 0; i < opening.memory_count; i++)
        object_release(opening.memories[i]);
}

static void load(const char *name)
{
    opening = (struct opening){.name = name};
    bool good = link_open(&modules, name, LINK_OPEN_GLOBAL | LINK_OPEN_KEEP);
    if (good && modules.fresh) {
        good = link_place(&modules) && link_relocate(&modules) && link_order(&modules) && map_fresh();
        for (size_t i = 0; good && i < modules.initializer_count; i++)
            ((void (*)(void))modules.initializers[i])();
        if (good)
            link_commit(&modules);
    }
    if (!good) {
        give_back();
        boot_image.failures++;
    }
}

static bool open_exports(void)
{
    const struct image_file *file = archive_find(&boot_image.archive, EXPORTS);
    opening = (struct opening){.name = "kernel.so"};
    host = (struct link_host){
        .memory = link_memory,
        .release = link_release,
        .open = open_module,
        .place = place,
        .window = segment_window,
        .report = report,
    };
    link_init(&modules, &host);
    if (!file || !boot_image_check(file)) {
        log_format("kernel: %s is not in the boot image, and modules need it\n", EXPORTS);
        return false;
    }
    struct file_view view = link_view(file);
    view.in_place = true;
    if (!link_load(&modules, "kernel.so", &view) || !link_place(&modules) || !link_relocate(&modules) ||
        !link_order(&modules))
        return false;
    link_commit(&modules);
    return true;
}

void modules_load(void)
{
    bool exports = false;
    for (uint32_t i = 0; i < boot_image.archive.header->file_count; i++) {
        const struct image_file *file = &boot_image.archive.files[i];
        if (file->kind != IMAGE_FILE_MODULE)
            continue;
        if (!exports && !(exports = open_exports())) {
            boot_image.failures++;
            return;
        }
        load(boot_image_name(file) + sizeof FOLDER - 1);
    }
}
