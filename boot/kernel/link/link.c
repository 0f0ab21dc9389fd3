/* Linking by the kernel: the host of libs/rtld for a process that has no linker yet. The files are the boot image's;
 * read-only segments are its frames, writable ones are prepared through kernel addresses. */
#include "kernel.h"

#define WINDOWS_MAX 128
#define ADDRESS_TOP 0x500000000000
#define ADDRESS_RANDOM_PAGES 0x3ffffffff /* 34 bits of choice for the whole, 4 for each gap */
#define GAP_RANDOM_PAGES 0xf
#define TLS_SURPLUS 1024

/* Writable segments of the one link that is going on. */
static struct window {
    struct memory *memory;
    void *mapped;
} windows[WINDOWS_MAX];
static unsigned window_count;

static struct link_known known; /* of the image's libraries, whose bytes stay where they are */

void *link_memory(void *context, uint64_t *size)
{
    (void)context;
    *size = PAGE_UP(*size);
    return kernel_alloc(*size);
}

void link_release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)size;
    kernel_unmap(block);
}

struct file_view link_view(const struct image_file *file)
{
    return (struct file_view){
        .bytes = archive_contents(&boot_image.archive, file),
        .size = file->size,
        .cookie = file->offset,
    };
}

bool link_open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)context;
    (void)referrer;
    const struct image_file *file = archive_find_library(&boot_image.archive, name);
    if (!file || !boot_image_check(file))
        return false;
    *view = link_view(file);
    return true;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    struct process_link *linking = context;
    uint64_t gap = (1 + (random_next() & GAP_RANDOM_PAGES)) * PAGE_SIZE, size = module->high - module->low;
    if (size > linking->next_address / 2)
        return false;
    linking->next_address = (linking->next_address - gap - size) & -module->align;
    *bias = linking->next_address - module->low;
    return true;
}

static void *segment_window(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)context;
    (void)module;
    (void)filled;
    struct memory *memory = window_count < WINDOWS_MAX ? memory_create(segment->pages_size) : NULL;
    void *mapped = memory ? kernel_map(memory, 0, segment->pages_size, PROT_READ_WRITE) : NULL;
    if (mapped)
        windows[window_count++] = (struct window){memory, mapped};
    else if (memory)
        object_release(memory);
    return mapped;
}

static bool report(void *context, const struct diagnostic *diagnostic)
{
    const struct process_link *linking = context;
    char text[512];
    diagnostic_text(diagnostic, text, sizeof text);
    log_format("kernel: %s: %s\n", linking->service, text);
    return true;
}

static void find_descriptor(const struct link *link, const char *name, uint64_t *address)
{
    struct link_symbol found;
    if (link_find(link, LINK_SCOPE_DEFAULT, NULL, name, NULL, &found))
        *address = found.address;
}

bool process_link(struct process_link *linking, struct process *process, const char *service, const struct image_file *file)
{
    *linking = (struct process_link){
        .process = process,
        .service = service,
        .next_address = ADDRESS_TOP - (random_next() & ADDRESS_RANDOM_PAGES) * PAGE_SIZE,
        .host = {
            .context = linking,
            .memory = link_memory,
            .release = link_release,
            .open = link_open_library,
            .place = place,
            .window = segment_window,
            .report = report,
        },
    };
    struct link *link = &linking->link;
    link_init(link, &linking->host);
    link->tls_surplus = TLS_SURPLUS;
    link->known = &known;
    struct file_view view = link_view(file);
    if (!boot_image_check(file) || !link_load(link, boot_image_name(file), &view) || !link_place(link))
        return false;
    find_descriptor(link, "__ambilink_tlsdesc_fixed", &link->tls_descriptors.fixed);
    find_descriptor(link, "__ambilink_tlsdesc_dynamic", &link->tls_descriptors.dynamic);
    find_descriptor(link, "__ambilink_tlsdesc_absent", &link->tls_descriptors.absent);
    return link_relocate(link) && link_order(link);
}

static struct memory *memory_of(const uint8_t *window)
{
    for (unsigned i = 0; i < window_count; i++)
        if (windows[i].mapped == window)
            return windows[i].memory;
    return NULL;
}

static int64_t map_segment(const struct process_link *linking, const struct module *module, const struct segment *segment)
{
    uint64_t address = module->bias + segment->page_address;
    if (!(segment->flags & PF_W)) {
        uint64_t offset = module->file.cookie + segment->file_offset - (segment->address - segment->page_address);
        return process_map(linking->process, boot_image.run, offset, segment->pages_size, address,
                           segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY);
    }
    struct segment_part parts[SEGMENT_PARTS_MAX];
    unsigned count = segment_parts(&linking->link, module, segment, parts);
    int64_t mapped = 0;
    for (unsigned i = 0; i < count && mapped >= 0; i++)
        mapped = process_map(linking->process, memory_of(segment->window), parts[i].offset, parts[i].size,
                             address + parts[i].offset, parts[i].prot);
    return mapped;
}

bool process_link_map(struct process_link *linking)
{
    for (const struct module *module = linking->link.first; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++) {
            int64_t status = map_segment(linking, module, &module->segments[i]);
            if (status < 0) {
                log_format("kernel: %s: %s cannot be mapped, status %d\n", linking->service, module->name, status);
                return false;
            }
        }
    return true;
}

void process_link_end(struct process_link *linking)
{
    link_end(&linking->link);
    while (window_count) {
        struct window *window = &windows[--window_count];
        kernel_unmap(window->mapped);
        object_release(window->memory);
    }
}
