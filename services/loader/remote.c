/* The host side of a link into another process. Files are found in the boot image; their read-only
 * segments are mapped from the image's own frames, so all processes share them. Writable segments are
 * prepared in memory that both this service and the process map, until the link is committed. */
#include <rtld/cache.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define WINDOWS_MAX 128
#define ADDRESS_TOP 0x500000000000
#define ADDRESS_RANDOM_PAGES 0x3ffffffff /* 34 bits of choice for the whole, 4 for each gap */
#define GAP_RANDOM_PAGES 0xf /* neighbours then share their page tables */

static struct link_cache cache; /* of the image's libraries, whose bytes stay where they are */

static handle_t self(void)
{
    return sys_start_handle(START_HANDLE_SELF);
}

uint64_t remote_reserve(struct remote *remote, uint64_t size, uint64_t align)
{
    uint64_t gap = (1 + (random_word() & GAP_RANDOM_PAGES)) * AMBILINK_PAGE_SIZE;
    if (size > remote->next_address / 2)
        return 0;
    remote->next_address = (remote->next_address - gap - size) & -align;
    return remote->next_address;
}

bool remote_check_file(const struct image_file *file)
{
    bool *checked = &loader.file_checked[file - loader.archive.files];
    if (!*checked) {
        bool *first = &loader.file_checked[archive_first_name(&loader.archive, file) - loader.archive.files];
        *checked = *first = *first || archive_file_intact(&loader.archive, file);
    }
    if (!*checked)
        say("%s does not match its checksum: the boot image was altered", archive_string(&loader.archive, file->name));
    return *checked;
}

static struct file_view view_of(const struct image_file *file)
{
    return (struct file_view){
        .bytes = archive_contents(&loader.archive, file),
        .size = file->size,
        .file_id = file->offset,
    };
}

static bool open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)context;
    (void)referrer;
    const struct image_file *file = archive_find_library(&loader.archive, name);
    if (!file || !remote_check_file(file))
        return false;
    *view = view_of(file);
    return true;
}

static bool place_image(void *context, const struct module *module, uint64_t *bias)
{
    struct remote *remote = context;
    if (remote->is_strange && adopted_base(remote, module->name, bias))
        return true;
    uint64_t address = remote_reserve(remote, module->high - module->low, module->align);
    *bias = address - module->low;
    return address != 0;
}

static uint64_t writable_size(const struct module *images)
{
    uint64_t size = 0;
    for (const struct module *module = images; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++)
            size += module->segments[i].flags & PF_W ? module->segments[i].pages_size : 0;
    return size;
}

static bool make_window(struct remote *remote, uint64_t size)
{
    if (remote->window_count == remote->window_limit)
        return false;
    int64_t memory = sys_memory_create(size);
    if (memory < 0)
        return false;
    int64_t mapped = sys_process_map(self(), (handle_t)memory, 0, size, 0, PROT_READ_WRITE);
    if (mapped < 0) {
        sys_handle_close((handle_t)memory);
        return false;
    }
    remote->windows[remote->window_count++] = (struct window){(handle_t)memory, (uint8_t *)mapped, size, 0};
    return true;
}

/* For words that the process has already. */
static bool make_scratch(struct remote *remote, uint64_t size)
{
    void *block = remote->window_count < remote->window_limit ? calloc(1, size) : NULL;
    if (block)
        remote->windows[remote->window_count++] = (struct window){.mapped = block, .size = size};
    return block;
}

/* What comes with a program stays as long as it does: one memory for all of it. What is opened later may go alone. */
static void *segment_window(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)filled;
    struct remote *remote = context;
    uint64_t size = segment->pages_size;
    struct window *last = remote->window_count ? &remote->windows[remote->window_count - 1] : NULL;
    if (!last || last->size - last->used < size) {
        uint64_t wanted = module == remote->link.results.first ? writable_size(module) : size;
        if (!(remote->is_strange ? make_scratch : make_window)(remote, wanted))
            return NULL;
        last = &remote->windows[remote->window_count - 1];
    }
    last->used += size;
    return last->mapped + last->used - size;
}

static void *memory(void *context, uint64_t *size)
{
    (void)context;
    return malloc(*size);
}

static void release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static bool report(void *context, const struct report *about)
{
    struct remote *remote = context;
    report_text(about, remote->error, sizeof remote->error);
    if (remote->is_request)
        return false;
    say("%s: %s", remote->service, remote->error);
    return true;
}

/* After link_commit the core knows no segment's window any more; what is mapped there it does. */
static void drop(void *context, struct module *module)
{
    struct remote *remote = context;
    bool lives = remote->process != 0;
    for (unsigned i = 0; lives && i < module->segment_count; i++)
        sys_process_unmap(remote->process, module->bias + module->segments[i].page_address, module->segments[i].pages_size);
    if (!module->host_data)
        return;
    module_list_remove(&remote->link, remote->list, module);
    struct area *area = area_of(remote, module->host_data);
    if (--area->modules == 0 && area != remote->block)
        area_free(remote, area, lives);
}

static void find_descriptor(struct remote *remote, const char *name, uint64_t *address)
{
    struct link_symbol found;
    if (link_find(&remote->link, LINK_SCOPE_DEFAULT, NULL, name, NULL, &found))
        *address = found.address;
}

void remote_init(struct remote *remote, handle_t process, const char *service)
{
    /* Nothing links two processes at the same time, so one table serves all of them. */
    static struct window *windows;
    if (!windows)
        windows = malloc(WINDOWS_MAX * sizeof *windows);
    *remote = (struct remote){
        .process = process,
        .service = service,
        .next_address = ADDRESS_TOP - (random_word() & ADDRESS_RANDOM_PAGES) * AMBILINK_PAGE_SIZE,
        .windows = windows,
        .window_limit = windows ? WINDOWS_MAX : 0,
        .host = {
            .context = remote,
            .memory = memory,
            .release = release,
            .open = open_library,
            .place = place_image,
            .stage = segment_window,
            .drop = drop,
            .report = report,
        },
    };
}

bool remote_link(struct remote *remote, const struct image_file *program)
{
    link_init(&remote->link, &remote->host);
    remote->link.settings.tls_surplus = TLS_SURPLUS;
    link_use_cache(&remote->link, &cache);
    const char *name = archive_string(&loader.archive, program->name);
    struct file_view view = view_of(program);
    if (!remote_check_file(program) || !link_load(&remote->link, name, &view) || !link_place(&remote->link))
        return false;
    struct link_tls_descriptors *descriptors = &remote->link.settings.tls_descriptors;
    find_descriptor(remote, "__ambilink_tlsdesc_fixed", &descriptors->fixed);
    find_descriptor(remote, "__ambilink_tlsdesc_dynamic", &descriptors->dynamic);
    find_descriptor(remote, "__ambilink_tlsdesc_absent", &descriptors->absent);
    return link_relocate(&remote->link) && link_order(&remote->link);
}

struct module *remote_open(struct remote *remote, const char *name, unsigned flags)
{
    struct link *link = &remote->link;
    remote->is_request = true;
    struct module *module = link_open(link, *name ? name : NULL, flags);
    if (module && link->results.fresh && !(link_place(link) && link_relocate(link) && link_order(link)))
        module = NULL;
    return module;
}

static const struct window *window_of(const struct remote *remote, const uint8_t *mapped)
{
    const struct window *window = remote->windows;
    while ((uint64_t)(mapped - window->mapped) >= window->size)
        window++;
    return window;
}

static const char *fresh_name(const struct remote *remote, uint64_t index)
{
    const struct module *module = remote->link.results.fresh;
    while (index--)
        module = module->next;
    return module->name;
}

static bool map_segment(struct map_batch *batch, uint32_t object, const struct module *module, const struct segment *segment)
{
    const struct remote *remote = batch->remote;
    uint64_t address = module->bias + segment->page_address;
    if (!(segment->flags & PF_W))
        return map_batch_add(batch, object, &(struct map_request){
            .memory = sys_start_handle(START_HANDLE_IMAGE),
            .offset = module->file.file_id + segment->file_offset - (segment->address - segment->page_address),
            .size = segment->pages_size,
            .address = address,
            .prot = segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY,
        });
    const struct window *window = window_of(remote, segment->staging);
    struct segment_part parts[SEGMENT_PARTS_MAX];
    unsigned count = segment_parts(&remote->link, module, segment, parts);
    for (unsigned i = 0; i < count; i++)
        if (!map_batch_add(batch, object, &(struct map_request){
                .memory = window->memory,
                .offset = (uint64_t)(segment->staging - window->mapped) + parts[i].offset,
                .size = parts[i].size,
                .address = address + parts[i].offset,
                .prot = parts[i].prot,
            }))
            return false;
    return true;
}

bool remote_commit(struct remote *remote)
{
    static struct map_batch batch;
    batch.remote = remote;
    batch.name = fresh_name;
    batch.count = 0;
    uint32_t object = 0;
    for (const struct module *module = remote->link.results.fresh; module; module = module->next, object++)
        for (unsigned i = 0; i < module->segment_count; i++)
            if (!map_segment(&batch, object, module, &module->segments[i]))
                return false;
    return map_batch_make(&batch);
}

void remote_close_windows(struct remote *remote)
{
    for (size_t i = 0; i < remote->window_count; i++) {
        if (!remote->windows[i].memory) {
            free(remote->windows[i].mapped);
            continue;
        }
        sys_process_unmap(self(), (uint64_t)remote->windows[i].mapped, remote->windows[i].size);
        sys_handle_close(remote->windows[i].memory);
    }
    remote->window_count = 0;
}

void remote_end(struct remote *remote)
{
    remote_close_windows(remote);
    remote->process = 0;
    if (remote->link.settings.host)
        link_end(&remote->link);
    while (remote->areas)
        area_free(remote, remote->areas, false);
    remote->link.settings.host = NULL;
    remote->block = NULL;
}
