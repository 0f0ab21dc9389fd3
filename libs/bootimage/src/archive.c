#include <ambilink/abi.h>
#include <bootimage/archive.h>
#include <string.h>

/* A table of `count` records of `size` bytes at `offset` lies in the directory, aligned for its fields. */
static bool table_inside(const struct image_header *header, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset >= sizeof *header && offset % 8 == 0 && offset <= header->directory_size &&
           count <= (header->directory_size - offset) / size;
}

static bool string_valid(const struct image_header *header, uint32_t offset)
{
    return offset < header->string_size;
}

static const char *check_directory(const struct image_header *header, uint64_t size)
{
    if (size < AMBILINK_PAGE_SIZE)
        return "archive shorter than its header";
    if (header->magic != IMAGE_MAGIC)
        return "no archive magic";
    if (header->version != IMAGE_VERSION || header->header_size != sizeof *header)
        return "archive of another version";
    if (header->total_size != size || header->tree_offset > size || header->directory_size > header->tree_offset)
        return "archive size differs from the header";
    if (header->directory_size < AMBILINK_PAGE_SIZE || header->directory_size % AMBILINK_PAGE_SIZE)
        return "directory size out of range";
    if (!table_inside(header, header->file_offset, header->file_count, sizeof(struct image_file)) ||
        !table_inside(header, header->service_offset, header->service_count, sizeof(struct image_service)) ||
        header->string_offset < sizeof *header || header->string_offset > header->directory_size ||
        header->string_size > header->directory_size - header->string_offset || !header->string_size)
        return "a table lies outside the directory";
    return header->loader_file < header->file_count ? NULL : "no loader";
}

static bool runs_inside(const struct image_file *file)
{
    uint64_t at = 0, pages = (file->size + AMBILINK_PAGE_SIZE - 1) / AMBILINK_PAGE_SIZE;
    for (unsigned i = 0; i < IMAGE_UNREAD_RUNS; i++) {
        const struct image_run *run = &file->unread[i];
        if (run->page < at || run->page > pages || run->pages > pages - run->page)
            return false;
        at = run->page + run->pages;
    }
    return true;
}

static const char *check_tables(const struct archive *archive)
{
    const struct image_header *header = archive->header;
    if (archive->strings[header->string_size - 1] != 0)
        return "strings are not terminated";
    for (uint32_t i = 0; i < header->file_count; i++) {
        const struct image_file *file = &archive->files[i];
        if (!string_valid(header, file->name) || file->offset % AMBILINK_PAGE_SIZE ||
            file->offset < header->directory_size || file->offset > header->tree_offset ||
            file->size > header->tree_offset - file->offset)
            return "a file lies outside the archive";
        if (!runs_inside(file))
            return "a file's unread pages lie outside the file";
    }
    for (uint32_t i = 0; i < header->service_count; i++) {
        const struct image_service *service = &archive->services[i];
        if (!string_valid(header, service->name) || service->file >= header->file_count ||
            service->argument_count > IMAGE_ARGUMENTS_MAX || service->environment_count > IMAGE_ARGUMENTS_MAX ||
            service->preload_count > IMAGE_PRELOADS_MAX || service->stack_size % AMBILINK_PAGE_SIZE || !service->stack_size ||
            service->linker > IMAGE_LINKER_PACK || service->binding > IMAGE_BINDING_LAZY || !string_valid(header, service->registers) ||
            !string_valid(header, service->starts) || !string_valid(header, service->opens) ||
            (service->linker == IMAGE_LINKER_PACK ? service->packed_file >= header->file_count
                                                  : service->packed_file != IMAGE_NO_FILE))
            return "a service entry is out of range";
        for (uint32_t j = 0; j < service->argument_count; j++)
            if (!string_valid(header, service->argument[j]))
                return "a service's argument is out of range";
        for (uint32_t j = 0; j < service->environment_count; j++)
            if (!string_valid(header, service->environment[j]))
                return "a service's environment is out of range";
        for (uint32_t j = 0; j < service->preload_count; j++)
            if (!string_valid(header, service->preload[j]))
                return "a service's preload is out of range";
    }
    return NULL;
}

const char *archive_open(struct archive *archive, const void *bytes, uint64_t size)
{
    const struct image_header *header = bytes;
    const char *rule = check_directory(header, size);
    if (rule)
        return rule;
    *archive = (struct archive){
        .bytes = bytes,
        .size = size,
        .header = header,
        .files = (const void *)((const uint8_t *)bytes + header->file_offset),
        .services = (const void *)((const uint8_t *)bytes + header->service_offset),
        .strings = (const char *)bytes + header->string_offset,
    };
    return check_tables(archive);
}

const char *archive_string(const struct archive *archive, uint32_t offset)
{
    return archive->strings + offset;
}

const struct image_file *archive_file(const struct archive *archive, uint32_t index)
{
    return &archive->files[index];
}

const void *archive_contents(const struct archive *archive, const struct image_file *file)
{
    return archive->bytes + file->offset;
}

const struct image_file *archive_find(const struct archive *archive, const char *name)
{
    for (uint32_t i = 0; i < archive->header->file_count; i++)
        if (strcmp(archive_string(archive, archive->files[i].name), name) == 0)
            return &archive->files[i];
    return NULL;
}

uint32_t archive_preloads(const struct archive *archive, const struct image_service *service,
                          const char *names[IMAGE_PRELOADS_MAX])
{
    for (uint32_t i = 0; i < service->preload_count; i++)
        names[i] = archive_string(archive, service->preload[i]);
    return service->preload_count;
}

const struct image_file *archive_find_library(const struct archive *archive, const char *soname)
{
    static const char folder[] = "lib/";
    const struct image_file *const end = archive->files + archive->header->file_count;
    for (const struct image_file *file = archive->files; file < end; file++) {
        if (file->kind != IMAGE_FILE_LIBRARY && file->kind != IMAGE_FILE_INTERPRETER)
            continue;
        const char *name = archive_string(archive, file->name);
        if (strncmp(name, folder, sizeof folder - 1) == 0 && strcmp(name + sizeof folder - 1, soname) == 0)
            return file;
    }
    return NULL;
}

const struct image_service *archive_find_service(const struct archive *archive, const char *name)
{
    for (uint32_t i = 0; i < archive->header->service_count; i++)
        if (strcmp(archive_string(archive, archive->services[i].name), name) == 0)
            return &archive->services[i];
    return NULL;
}

const struct image_file *archive_first_name(const struct archive *archive, const struct image_file *file)
{
    const struct image_file *first = archive->files;
    while (first->offset != file->offset || first->size != file->size ||
           memcmp(first->digest, file->digest, sizeof first->digest) != 0)
        first++;
    return first;
}
