/* The host of libs/rtld in the linked address space itself: windows are the memory that stays. Three objects may be
 * there before: the program, which the kernel placed, and the interpreter, where it is a library too. */
#include <string.h>

#include "ld.h"

#define ADDRESS_GAP_PAGES 0xf

static bool is_program(const struct interpreter *ld, const struct module *module)
{
    return module->file.cookie == ld->program_file->offset;
}

static bool is_self(const struct interpreter *ld, const struct module *module)
{
    return ld->own_file && module->file.cookie == ld->own_file->offset;
}

static void *memory(void *context, uint64_t *size)
{
    *size = PAGE_UP(*size);
    return (void *)ld_map(context, 0, *size);
}

static void release(void *context, void *block, uint64_t size)
{
    ld_unmap(context, (uint64_t)block, size);
}

static bool open_library(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    (void)referrer;
    struct interpreter *ld = context;
    const struct image_file *file = archive_find_library(&ld->archive, name);
    if (!file || invoke(SYS_IMAGE_CHECK, (uint64_t)(file - ld->archive.files), 0, 0, 0, 0, 0) != STATUS_OK)
        return false;
    *view = (struct file_view){
        .bytes = archive_contents(&ld->archive, file),
        .size = file->size,
        .cookie = file->offset,
        .adjusted = ld->own_file && file->offset == ld->own_file->offset,
    };
    return true;
}

static uint64_t random_pages(struct interpreter *ld, uint64_t mask)
{
    /* SplitMix64, seeded by the kernel. */
    ld->random += 0x9e3779b97f4a7c15;
    uint64_t z = ld->random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return ((z ^ z >> 31) & mask) * PAGE_SIZE;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    struct interpreter *ld = context;
    if (is_program(ld, module)) {
        *bias = ld->program_headers - module->headers_address;
        return true;
    }
    if (is_self(ld, module)) {
        *bias = ld->base;
        return true;
    }
    uint64_t start = ld->next + PAGE_SIZE + random_pages(ld, ADDRESS_GAP_PAGES);
    start = (start + module->align - 1) & -module->align;
    *bias = start - module->low;
    ld->next = start + (module->high - module->low);
    return true;
}

static void *window(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    struct interpreter *ld = context;
    uint64_t address = module->bias + segment->page_address;
    if (is_program(ld, module) || is_self(ld, module)) {
        *filled = true;
        return (void *)address;
    }
    return (void *)ld_map(ld, address, segment->pages_size);
}

static bool report(void *context, const struct diagnostic *diagnostic)
{
    char text[512];
    diagnostic_text(diagnostic, text, sizeof text);
    ld_say(context, text);
    return true;
}

/* The interpreter lies at a random address; the libraries follow it, and share its page tables. */
static uint64_t own_end(const struct interpreter *ld)
{
    const struct elf_header *header = (const struct elf_header *)ld->base;
    const struct elf_segment *segments = (const struct elf_segment *)(ld->base + header->e_phoff);
    uint64_t end = ld->base;
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD)
            end = ld->base + PAGE_UP(segments[i].p_vaddr + segments[i].p_memsz);
    return end;
}

void ld_host_init(struct interpreter *ld)
{
    ld->next = own_end(ld);
    ld->host = (struct link_host){
        .context = ld,
        .memory = memory,
        .release = release,
        .open = open_library,
        .place = place,
        .window = window,
        .report = report,
    };
}

static bool map_segment(const struct interpreter *ld, const struct module *module, const struct segment *segment)
{
    uint64_t address = module->bias + segment->page_address;
    if (!(segment->flags & PF_W)) {
        uint64_t offset = module->file.cookie + segment->file_offset - (segment->address - segment->page_address);
        return is_program(ld, module) || is_self(ld, module) ||
               ld_map_image(ld, offset, segment->pages_size, address,
                            segment->flags & PF_X ? PROT_READ_EXECUTE : PROT_READ_ONLY) >= 0;
    }
    return !segment->relro_size || relro_waits(&ld->link, module, segment) ||
           ld_protect(ld, module->bias + segment->relro_address, segment->relro_size, PROT_READ_ONLY) == STATUS_OK;
}

bool ld_commit(struct interpreter *ld)
{
    for (const struct module *module = ld->link.first; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count; i++)
            if (!map_segment(ld, module, &module->segments[i])) {
                ld_say(ld, module->name);
                ld_say(ld, "that object cannot be mapped");
                return false;
            }
    return true;
}
