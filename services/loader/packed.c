/* Programs that were linked at build time (struct image_packed): their pages are mapped and copied, nothing is bound
 * or relocated. */
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

static bool inside(uint64_t offset, uint64_t count, uint64_t size, uint64_t limit)
{
    return offset % 8 == 0 && offset <= limit && count <= (limit - offset) / size;
}

static bool check_mapping(const struct image_packed_mapping *mapping)
{
    if (mapping->file >= loader.archive.header->file_count || mapping->size == 0 ||
        (mapping->address | mapping->size | mapping->source) & PAGE_MASK)
        return false;
    const struct image_file *file = archive_file(&loader.archive, mapping->file);
    uint64_t pages = (file->size + PAGE_MASK) & ~PAGE_MASK;
    uint64_t taken = mapping->prot & RIGHT_WRITE ? mapping->source_size : mapping->size;
    return mapping->source <= pages && taken <= pages - mapping->source && mapping->source_size <= mapping->size &&
           remote_check_file(file);
}

/* NULL: refused, and told. */
static const struct image_packed *find_record(const struct child *child)
{
    const struct image_file *file = archive_file(&loader.archive, child->service->packed_file);
    const struct image_packed *packed = archive_contents(&loader.archive, file);
    if (!remote_check_file(file))
        return NULL;
    bool good = file->size >= sizeof *packed && packed->magic == IMAGE_PACKED_MAGIC &&
                inside(packed->mapping_offset, packed->mapping_count, sizeof(struct image_packed_mapping), file->size) &&
                inside(packed->block_offset, packed->block_size, 1, file->size) && !(packed->block_address & PAGE_MASK) &&
                packed->block_size >= sizeof(struct start_info) &&
                inside(packed->link_offset, 1, sizeof(struct start_link), packed->block_size);
    const uint8_t *bytes = (const uint8_t *)packed;
    const struct image_packed_mapping *mappings = (const void *)(bytes + packed->mapping_offset);
    for (uint32_t i = 0; good && i < packed->mapping_count; i++)
        good = check_mapping(&mappings[i]);
    if (!good)
        say("%s: %s cannot be used: pack the image again", child->name, archive_string(&loader.archive, file->name));
    return good ? packed : NULL;
}

static const struct image_packed_mapping *mappings_of(const struct image_packed *packed)
{
    return (const void *)((const uint8_t *)packed + packed->mapping_offset);
}

static uint64_t private_size(const struct image_packed *packed)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < packed->mapping_count; i++)
        if (mappings_of(packed)[i].prot & RIGHT_WRITE)
            size += mappings_of(packed)[i].size;
    return size;
}

static bool map_all(const struct remote *remote, const struct image_packed *packed)
{
    uint64_t size = private_size(packed), used = 0;
    handle_t self = sys_start_handle(START_HANDLE_SELF), archive = sys_start_handle(START_HANDLE_IMAGE);
    int64_t memory = size ? sys_memory_create(size) : 0;
    int64_t here = memory > 0 ? sys_process_map(self, (handle_t)memory, 0, size, 0, PROT_READ_WRITE) : memory;
    static struct map_batch batch;
    batch.remote = remote;
    batch.name = adopted_name;
    batch.count = 0;
    bool good = here >= 0;
    if (!good)
        say("%s: no memory for its writable pages", remote->service);
    for (uint32_t i = 0; good && i < packed->mapping_count; i++) {
        const struct image_packed_mapping *mapping = &mappings_of(packed)[i];
        const struct image_file *file = archive_file(&loader.archive, mapping->file);
        struct map_request request = {file->offset + mapping->source, mapping->size, mapping->address, archive, mapping->prot};
        if (mapping->prot & RIGHT_WRITE) {
            const uint8_t *source = archive_contents(&loader.archive, file);
            memcpy((uint8_t *)here + used, source + mapping->source, mapping->source_size);
            request.memory = (handle_t)memory;
            request.offset = used;
            used += mapping->size;
        }
        good = map_batch_add(&batch, mapping->module, &request);
    }
    good = good && map_batch_make(&batch);
    if (here > 0)
        sys_process_unmap(self, (uint64_t)here, size);
    if (memory > 0)
        sys_handle_close((handle_t)memory);
    return good;
}

static bool make_block(struct remote *remote, const struct child *child, const struct image_packed *packed)
{
    remote->block = area_make_at(remote, packed->block_address, packed->block_size, PROT_READ_ONLY);
    if (!remote->block) {
        say("%s: no memory for its start block", child->name);
        return false;
    }
    uint8_t *here = remote->block->at.here;
    memcpy(here, (const uint8_t *)packed + packed->block_offset, packed->block_size);
    struct start_info *info = (struct start_info *)here;
    start_block_finish(remote, child, info);
    remote->list = (struct start_link *)(here + packed->link_offset);
    return true;
}

bool packed_start(struct child *child, handle_t process)
{
    struct remote *remote = &child->remote;
    const struct image_packed *packed = find_record(child);
    if (!packed)
        return false;
    remote_init(remote, process, child->name);
    remote->is_strange = true;
    remote->next_address = packed->low;
    if (!make_block(remote, child, packed) || !map_all(remote, packed))
        return false;
    struct start_values values = {
        .entry = packed->entry,
        .program_headers = packed->program_headers,
        .program_header_count = packed->program_header_count,
        .info = packed->block_address,
    };
    return child_run(child, &values);
}
