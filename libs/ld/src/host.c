/* A host of libs/hostlink that lives in the linked address space. Two objects may be there before: the program, which the
 * kernel placed, and the interpreter, where it is a library too. */
#include <hostlink/split_mix.h>
#include <string.h>

#include "ld.h"

#define OWN_SIZE_MAX (1 << 30)
#define LEAST_BLOCK 8192 /* two calls cost more than a page */

static void *allocate(void *context, uint64_t *size)
{
    *size = *size < LEAST_BLOCK ? LEAST_BLOCK : PAGE_UP(*size);
    return (void *)ld_map(context, 0, *size);
}

static void release(void *context, void *block, uint64_t size)
{
    ld_unmap(context, (uint64_t)block, size);
}

static bool open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)referrer;
    const struct interpreter *ld = context;
    const struct image_file *file = archive_find_library(&ld->archive, name);
    if (!file)
        return false;
    *view = archive_view(&ld->archive, file);
    view->adjusted = file == ld->own_file;
    return true;
}

static bool find(void *context, const struct module *module, uint64_t *bias)
{
    const struct interpreter *ld = context;
    if (module->file.file_id == ld->program_file->offset)
        *bias = ld->program_headers - module->headers_address;
    else if (ld->own_file && module->file.file_id == ld->own_file->offset)
        *bias = ld->base;
    else
        return false;
    return true;
}

static size_t map(void *context, const struct target_mapping *mappings, size_t count)
{
    const struct interpreter *ld = context;
    for (size_t i = 0; i < count; i++) {
        const struct target_mapping *mapping = &mappings[i];
        bool good = mapping->source == TARGET_ZERO
                        ? ld_map(ld, mapping->address, mapping->size)
                        : ld_map_image(ld, mapping->file->file_id + mapping->offset, mapping->size, mapping->address,
                                       mapping->prot) >= 0;
        if (!good) {
            ld_say(ld, mapping->name, "cannot be mapped");
            return i;
        }
    }
    return count;
}

static void unmap(void *context, uint64_t address, uint64_t size)
{
    ld_unmap(context, address, size);
}

static bool protect(void *context, uint64_t address, uint64_t size, unsigned prot)
{
    return ld_protect(context, address, size, prot) == STATUS_OK;
}

static uint64_t random_word(void *context)
{
    struct interpreter *ld = context;
    return split_mix(&ld->random);
}

static bool log_line(void *context, const char *text)
{
    ld_say(context, NULL, text);
    return true;
}

static bool report(void *context, const struct report *about)
{
    char text[256];
    report_text(about, text, sizeof text);
    return log_line(context, text);
}

void ld_parse_itself(struct interpreter *ld)
{
    struct ground ground = {
        .context = ld,
        .memory = allocate,
        .release = release,
        .report = report,
        .object = "ld.so",
        .arena = arena_within(ld->own_tables, sizeof ld->own_tables),
    };
    /* The kernel checked it against its file's size and mapped it; how long it is its headers say. */
    struct file_view view = {.bytes = (const uint8_t *)ld->base, .size = OWN_SIZE_MAX, .by_address = true};
    memset(&ld->own, 0, sizeof ld->own);
    if (!module_parse_headers(&ground, &ld->own, "ld.so", &view) || !module_parse_dynamic(&ground, &ld->own))
        ld_refuse(ld, "is not started");
}

static const struct target_host host = {
    .allocate = allocate,
    .release = release,
    .open = open_library,
    .find = find,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .random = random_word,
    .log = log_line,
};

void ld_host_init(struct interpreter *ld)
{
    linker_init(&ld->linker, &host);
    /* The interpreter lies at a random address; the libraries go below it, and share its page tables. */
    target_init(&ld->target, &ld->linker, ld, ld->base);
}
