#include "modules.h"

#include <hostlink/archive.h>
#include <rtld/parse.h>

#include "adopt.h"
#include "heap.h"
#include "image_files.h"

/* NULL: no memory. */
static struct module_record *add(struct child *child, const char *name)
{
    struct module_record *record = &child->modules[child->module_count];
    record->name = heap_string(child->space.loader, name);
    child->module_count += record->name != NULL;
    return record->name ? record : NULL;
}

static bool begin(struct child *child, size_t limit)
{
    child->modules = limit ? heap_zeroed(child->space.loader, limit * sizeof *child->modules) : NULL;
    child->module_limit = child->modules ? limit : 0;
    return child->modules;
}

static void add_segments(struct module_record *record, const struct module *module)
{
    for (unsigned i = 0; i < module->segment_count; i++)
        *(module->segments[i].flags & PF_W ? &record->writable : &record->read_only) += module->segments[i].pages_size;
}

static bool record_linked(struct child *child)
{
    const struct link *link = &child->target.link;
    if (!begin(child, link->results.module_count))
        return false;
    for (const struct module *module = link->results.first; module; module = module->next) {
        struct module_record *record = add(child, module->name);
        if (!record)
            return false;
        record->base = module->bias;
        record->low = module->low;
        record->high = module->high;
        add_segments(record, module);
    }
    return true;
}

static bool ignore(void *context, const struct report *report)
{
    (void)context;
    (void)report;
    return false;
}

static void *take(void *context, uint64_t *size)
{
    const struct loader *loader = context;
    return port_allocate(loader->port, *size);
}

static void give_back(void *context, void *block, uint64_t size)
{
    const struct loader *loader = context;
    port_free(loader->port, block, size);
}

/* Bytes of a file's segments; of a file that cannot be parsed none. */
static void measure(struct loader *loader, struct module_record *record, const struct image_file *file)
{
    struct ground ground = {.context = loader, .memory = take, .release = give_back, .report = ignore, .object = ""};
    struct module module = {0};
    const struct file_view view = archive_view(&loader->archive, file);
    if (image_file_check(loader, file) && module_parse_headers(&ground, &module, record->name, &view))
        add_segments(record, &module);
    arena_free(&ground, &ground.arena);
}

static bool record_listed(struct child *child)
{
    const struct target *target = &child->target;
    if (!target->list)
        return true;
    const struct shared_area *block = &target->block->at;
    const struct archive *archive = &child->space.loader->archive;
    size_t count = module_list_count(block, target->list);
    const struct start_module *entry = NULL;
    if (count && !begin(child, count))
        return false;
    while (child->module_count < count && (entry = module_list_next(block, target->list, entry))) {
        const char *name = module_list_name(block, entry);
        /* The program comes first. */
        const struct image_file *file = child->module_count ? archive_find_library(archive, name ? name : "")
                                                            : child_program(child);
        struct module_record *record = add(child, name ? name : "?");
        if (!record)
            return false;
        record->base = entry->base;
        record->low = entry->low - entry->base;
        record->high = entry->high - entry->base;
        if (file)
            measure(child->space.loader, record, file);
    }
    return true;
}

size_t modules_of(struct child *child)
{
    const struct target *target = &child->target;
    if (!child->space.port.id)
        return child->module_count;
    if (adopt_refresh(child))
        child_forget_modules(child);
    if (!child->modules && !(target->linked_elsewhere ? record_listed : record_linked)(child))
        child_forget_modules(child);
    return child->module_count;
}
