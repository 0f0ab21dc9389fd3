/* What the boot loader hands over: Multiboot2 specification 2.0, 3.6. */
#include "kernel.h"

enum { TAG_END = 0, TAG_MODULE = 3, TAG_MEMORY = 4, TAG_MAP = 6 };

struct tag { uint32_t type, size; };
struct module_tag { struct tag tag; uint32_t start, end; char command[]; };
struct memory_tag { struct tag tag; uint32_t lower, upper; };
struct map_tag {
    struct tag tag;
    uint32_t entry_size, version;
    struct { uint64_t start, size; uint32_t type, none; } entry[];
};

struct module modules[MODULES_MAX];
unsigned module_count;

extern const uint8_t kernel_end[];

/* "name" or "name boot"; of a path the last part. */
static void add_module(const struct module_tag *tag)
{
    if (module_count == MODULES_MAX)
        panic("too many modules", MODULES_MAX);
    struct module *module = &modules[module_count++];
    module->start = tag->start;
    module->size = tag->end - tag->start;
    const char *text = tag->command;
    size_t length = 0;
    for (; *text && *text != ' '; text++) {
        length = *text == '/' ? 0 : length;
        if (*text != '/' && length < FERN_NAME_MAX - 1)
            module->name[length++] = *text;
    }
    memset(module->name + length, 0, FERN_NAME_MAX - length);
    static const char boot[] = " boot";
    module->boots = strlen(text) >= sizeof boot - 1 && memcmp(text, boot, sizeof boot - 1) == 0;
}

static uint64_t higher(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

/* The range that begins at or below 1 MiB. */
static uint64_t memory_end(const struct map_tag *map)
{
    uint64_t end = 0;
    for (size_t i = 0; (uint8_t *)&map->entry[i] < (uint8_t *)map + map->tag.size; i++)
        if (map->entry[i].type == 1 && map->entry[i].start <= 1 << 20)
            end = higher(end, map->entry[i].start + map->entry[i].size);
    return end;
}

uint64_t multiboot_read(uint64_t information, uint64_t *used)
{
    uint64_t end = 0;
    const uint8_t *tag_at = (const uint8_t *)at(information) + 8;
    *used = higher((uint64_t)kernel_end - BASE, information + *(uint32_t *)at(information));
    for (const struct tag *tag; (tag = (const struct tag *)tag_at)->type != TAG_END; tag_at += (tag->size + 7) & ~7u) {
        if (tag->type == TAG_MODULE) {
            add_module((const struct module_tag *)tag);
            *used = higher(*used, ((const struct module_tag *)tag)->end);
        } else if (tag->type == TAG_MEMORY) {
            end = higher(end, (1 << 20) + 1024ull * ((const struct memory_tag *)tag)->upper);
        } else if (tag->type == TAG_MAP) {
            end = higher(end, memory_end((const struct map_tag *)tag));
        }
    }
    if (!end)
        panic("the boot loader reports no memory", 0);
    return end < 1 << 30 ? end : 1 << 30;
}
