#include "packed.h"

#include <string.h>

#include "image_files.h"
#include "log.h"

#define PAGE_MASK ((uint64_t)PORT_PAGE_SIZE - 1)

static bool inside(uint64_t offset, uint64_t count, uint64_t size, uint64_t limit)
{
    return offset % 8 == 0 && offset <= limit && count <= (limit - offset) / size;
}

static bool check_mapping(const struct loader *loader, const struct image_packed_mapping *mapping)
{
    if (mapping->file >= loader->archive.header->file_count || mapping->size == 0 ||
        (mapping->address | mapping->size | mapping->source) & PAGE_MASK)
        return false;
    const struct image_file *file = archive_file(&loader->archive, mapping->file);
    uint64_t pages = (file->size + PAGE_MASK) & ~PAGE_MASK;
    uint64_t taken = mapping->prot & PORT_WRITE ? mapping->source_size : mapping->size;
    if (mapping->source > pages || taken > pages - mapping->source || mapping->source_size > mapping->size)
        return false;
    return !(mapping->prot & PORT_WRITE) || image_range_check(loader, file, mapping->source, mapping->source_size);
}

static const struct image_packed_mapping *mappings_of(const struct image_packed *packed)
{
    return (const void *)((const uint8_t *)packed + packed->mapping_offset);
}

/* NULL: refused, and reported. */
static const struct image_packed *find_record(const struct child *child)
{
    const struct loader *loader = child->space.loader;
    const struct image_file *file = archive_file(&loader->archive, child->service->packed_file);
    const struct image_packed *packed = archive_contents(&loader->archive, file);
    if (!image_file_check(loader, file))
        return NULL;
    bool good = file->size >= sizeof *packed && packed->magic == IMAGE_PACKED_MAGIC &&
                inside(packed->mapping_offset, packed->mapping_count, sizeof(struct image_packed_mapping), file->size) &&
                inside(packed->block_offset, packed->block_size, 1, file->size) && !(packed->block_address & PAGE_MASK) &&
                packed->block_size >= sizeof(struct start_info) &&
                inside(packed->link_offset, 1, sizeof(struct start_link), packed->block_size);
    for (uint32_t i = 0; good && i < packed->mapping_count; i++)
        good = check_mapping(loader, &mappings_of(packed)[i]) && mappings_of(packed)[i].module < packed->mapping_count;
    if (!good)
        report(loader, "%s: %s cannot be used: pack the image again", child->name, image_file_name(loader, file));
    return good ? packed : NULL;
}

static uint64_t writable_size(const struct image_packed *packed)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < packed->mapping_count; i++)
        if (mappings_of(packed)[i].prot & PORT_WRITE)
            size += mappings_of(packed)[i].size;
    return size;
}

/* The object that a mapping is a part of, for reports; "?": the list has no such. Mappings come in the order of objects. */
struct object_name {
    const struct start_module *module;
    uint32_t index;
    const char *text;
};

static void name_next(const struct target *target, struct object_name *name, uint32_t index)
{
    const struct shared_area *block = &target->block->at;
    bool is_first = !name->module || index < name->index;
    const struct start_module *module = is_first ? module_list_next(block, target->list, NULL) : name->module;
    for (uint32_t at = is_first ? 0 : name->index; module && at < index; at++)
        module = module_list_next(block, target->list, module);
    const char *text = module ? module_list_name(block, module) : NULL;
    *name = (struct object_name){module, index, text ? text : "?"};
}

/* Writable pages are copied, at `used` of what is staged; others are the image's own. False: reported. */
static bool map_one(struct child *child, const struct image_packed_mapping *mapping, const char *name, uint64_t used)
{
    struct target *target = &child->target;
    const struct loader *loader = child->space.loader;
    uint64_t source = archive_file(&loader->archive, mapping->file)->offset + mapping->source;
    struct target_mapping made = {
        .address = mapping->address,
        .size = mapping->size,
        .prot = mapping->prot,
        .name = name,
    };
    if (mapping->prot & PORT_WRITE) {
        memcpy(target->staging.here + used, loader->image.bytes + source, mapping->source_size);
        made.source = TARGET_STAGED;
        made.staging = &target->staging;
        made.offset = used;
    } else {
        made.source = TARGET_FILE;
        made.file = &loader->image;
        made.offset = source;
    }
    return target_batch_add(target, &made);
}

static bool map_all(struct child *child, const struct image_packed *packed)
{
    struct target *target = &child->target;
    struct loader *loader = child->space.loader;
    uint64_t size = writable_size(packed), used = 0;
    if (size && !target_stage(target, size)) {
        report(loader, "%s: no memory for its writable pages", child->name);
        return false;
    }
    struct object_name name = {0};
    for (uint32_t i = 0; i < packed->mapping_count; i++) {
        const struct image_packed_mapping *mapping = &mappings_of(packed)[i];
        if (!name.text || mapping->module != name.index)
            name_next(target, &name, mapping->module);
        if (!map_one(child, mapping, name.text, used))
            return false;
        used += mapping->prot & PORT_WRITE ? mapping->size : 0;
    }
    return true;
}

static bool make_block(struct child *child, const struct image_packed *packed)
{
    struct target *target = &child->target;
    struct target_area *block = target_block_make(target, packed->block_address, packed->block_size);
    if (!block) {
        report(child->space.loader, "%s: no memory for its start block", child->name);
        return false;
    }
    memcpy(block->at.here, (const uint8_t *)packed + packed->block_offset, packed->block_size);
    target_find_list(target);
    if (target->list)
        child->object_count = module_list_count(&block->at, target->list);
    return start_block_finish(child, (struct start_info *)block->at.here);
}

bool packed_run(struct child *child, struct port_space space, uint64_t number)
{
    const struct image_packed *packed = find_record(child);
    child_begin(child, space, number, packed ? packed->low : 0);
    if (!packed || !make_block(child, packed) || !map_all(child, packed))
        return false;
    const struct start_values values = {
        .entry = packed->entry,
        .program_headers = packed->program_headers,
        .program_header_count = packed->program_header_count,
        .info = packed->block_address,
    };
    return start_run(child, &values);
}
