#include "start/handover.h"

#include <ambilink/image.h>

#include "base/bytes.h"
#include "base/log.h"
#include "memory/frames.h"

#define START_INFO_MAGIC 0x336ec578 /* Xen's hvm_start_info, used by PVH */
#define MULTIBOOT_MAGIC 0x36d76289
#define MEMORY_RAM 1
#define BOOT_MAPPED (4ull << 30) /* what the entry code's page table reaches */

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};

struct memory_range {
    uint64_t start, size;
    uint32_t type, reserved;
};

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
};

struct tag {
    uint32_t type, size;
    uint32_t values[]; /* of a module: start, end; of the memory map: size of an entry, version, entries */
};

static const void *boot_pointer(uint64_t physical, uint64_t size, const char *what)
{
    if (!physical || physical >= BOOT_MAPPED || size > BOOT_MAPPED - physical)
        panic("boot protocol: %s at %x is out of reach", what, physical);
    return (const void *)physical;
}

static void add_range(const struct memory_range *range)
{
    uint64_t start = range->start, end = start + range->size;
    if (range->type == MEMORY_RAM && end >= start && end > LOW_MEMORY_END)
        frames_add_region(start < LOW_MEMORY_END ? LOW_MEMORY_END : start, end);
}

static void copy_command_line(struct handover *handover, const char *text, uint64_t size)
{
    for (unsigned i = 0; i < COMMAND_LINE_MAX - 1 && i < size && text[i]; i++)
        handover->command_line[i] = text[i];
}

static void read_start_info(struct handover *handover, uint32_t information)
{
    const struct start_info *info = boot_pointer(information, sizeof *info, "start info");
    if (info->magic != START_INFO_MAGIC || info->version < 1 || !info->memory_map)
        panic("boot protocol: PVH start info of version 1 or later is needed");
    const struct memory_range *ranges =
        boot_pointer(info->memory_map, info->memory_map_entries * sizeof *ranges, "memory map");
    for (uint32_t i = 0; i < info->memory_map_entries; i++)
        add_range(&ranges[i]);
    if (info->command_line)
        copy_command_line(handover, boot_pointer(info->command_line, COMMAND_LINE_MAX, "command line"), COMMAND_LINE_MAX);
}

static void read_memory_map(const struct tag *tag)
{
    uint32_t step = tag->values[0];
    if (step < sizeof(struct memory_range))
        panic("multiboot: the memory map's entries have %u bytes", step);
    for (uint32_t at = sizeof *tag + 8; at + step <= tag->size; at += step)
        add_range((const struct memory_range *)((const char *)tag + at));
}

/* The archive is the first module that begins as one. */
static void read_module(struct handover *handover, const struct tag *tag)
{
    uint64_t start = tag->values[0], end = tag->values[1];
    if (handover->archive_size || end < start + sizeof(uint64_t))
        return;
    if (*(const uint64_t *)boot_pointer(start, end - start, "module") == IMAGE_MAGIC) {
        handover->archive = start;
        handover->archive_size = end - start;
    }
}

static void read_tag(struct handover *handover, const struct tag *tag)
{
    if (tag->type == TAG_COMMAND_LINE)
        copy_command_line(handover, (const char *)tag->values, tag->size - sizeof *tag);
    else if (tag->type == TAG_MEMORY_MAP && tag->size >= sizeof *tag + 8)
        read_memory_map(tag);
    else if (tag->type == TAG_MODULE && tag->size >= sizeof *tag + 8)
        read_module(handover, tag);
}

static void read_multiboot(struct handover *handover, uint32_t information)
{
    const uint32_t *total = boot_pointer(information, 8, "information");
    const char *at = (const char *)total + 8, *end = at - 8 + *total;
    boot_pointer(information, *total, "information");
    while ((uint64_t)(end - at) >= sizeof(struct tag)) {
        const struct tag *tag = (const struct tag *)at;
        if (tag->type == TAG_END)
            break;
        if (tag->size < sizeof *tag || tag->size > (uint64_t)(end - at))
            panic("multiboot: a tag of type %u has %u bytes", tag->type, tag->size);
        read_tag(handover, tag);
        at += (tag->size + 7) & ~7ull;
    }
}

void handover_read(struct handover *handover, uint32_t information, uint32_t magic)
{
    *handover = (struct handover){0};
    if (magic == MULTIBOOT_MAGIC)
        read_multiboot(handover, information);
    else if (!magic)
        read_start_info(handover, information);
    else
        panic("boot protocol: the boot loader's magic number is %x, not multiboot2's", (uint64_t)magic);
}
