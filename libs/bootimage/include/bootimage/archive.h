/* Reading a boot image's archive (<ambilink/image.h>). The bytes may be damaged or hostile: archive_open checks every
 * offset and count once, and what it accepted can be used without further checks. Whether pages are those that were
 * packed is tree.h's, and the kernel's, which lets no process read another. */
#ifndef BOOTIMAGE_ARCHIVE_H
#define BOOTIMAGE_ARCHIVE_H
#include <ambilink/image.h>
#include <stdbool.h>
#include <stddef.h>

struct archive {
    const uint8_t *bytes;
    uint64_t size;
    const struct image_header *header;
    const struct image_file *files;
    const struct image_service *services;
    const char *strings;
};

/* NULL when header and directory are sound, else the rule that they break. Their pages must be intact. */
const char *archive_open(struct archive *archive, const void *bytes, uint64_t size);

const char *archive_string(const struct archive *archive, uint32_t offset);
const struct image_file *archive_file(const struct archive *archive, uint32_t index);
const void *archive_contents(const struct archive *archive, const struct image_file *file);

/* By whole name ("lib/libc.so") or, for a library, by soname ("libc.so"). NULL: not there. */
const struct image_file *archive_find(const struct archive *archive, const char *name);
const struct image_file *archive_find_library(const struct archive *archive, const char *soname);
const struct image_service *archive_find_service(const struct archive *archive, const char *name);

/* The names of the libraries that it preloads; how many. */
uint32_t archive_preloads(const struct archive *archive, const struct image_service *service,
                          const char *names[IMAGE_PRELOADS_MAX]);

static inline uint32_t archive_library_count(const struct archive *archive)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < archive->header->file_count; i++)
        count += archive->files[i].kind == IMAGE_FILE_LIBRARY;
    return count;
}

/* Of a service's list (`registers`, `starts`, `opens`): the index of the first item that means `name`; -1: none
 * does. */
int archive_list_find(const struct archive *archive, uint32_t list, const char *name);

/* What a path of POSIX leads to, where the image's root is root and working folder: "//", "/./" and "/../" mean what
 * they mean there, and what a slash follows must be a folder. *file is set for ARCHIVE_PATH_FILE alone. */
enum archive_path { ARCHIVE_PATH_FILE, ARCHIVE_PATH_FOLDER, ARCHIVE_PATH_NOT_FOUND, ARCHIVE_PATH_NOT_A_FOLDER };
enum archive_path archive_resolve(const struct archive *archive, const char *path, const struct image_file **file);

/* One file may have several names: the first of those with the same contents. */
const struct image_file *archive_first_name(const struct archive *archive, const struct image_file *file);
#endif
