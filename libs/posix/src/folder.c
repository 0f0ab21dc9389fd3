/* What is in a folder: of the image its files' names say that, below /tmp the service tmp. */
#include <dirent.h>
#include <errno.h>
#include <protocol/files.h>
#include <string.h>

#include "descriptor.h"
#include "tmp_client.h"

#define DEVICES_FROM (1ull << 40) /* indexes behind those of the image's files */

struct found {
    char name[NAME_MAX + 1];
    uint64_t number;
    unsigned char type;
};

/* The first that follows `index` in a folder of the image; *index is behind it then. Names are sorted, so that those of
 * one folder stand together. 0: there is none. */
static long next_of_image(handle_t files, const char *folder, uint64_t *index, struct found *found)
{
    struct files_entry entry, before = {.name = ""};
    size_t length = strlen(folder);
    if (*index >= DEVICES_FROM)
        return 0;
    if (*index)
        files_list(files, *index - 1, &before);
    while (files_list(files, *index, &entry) == STATUS_OK) {
        ++*index;
        if (strncmp(entry.name, folder, length) || (length && entry.name[length] != '/'))
            continue;
        const char *name = entry.name + length + (length > 0);
        size_t size = strcspn(name, "/");
        size_t whole = (size_t)(name - entry.name) + size;
        if (!strncmp(before.name, entry.name, whole) && (before.name[whole] == '/' || !before.name[whole]))
            continue;
        memcpy(found->name, name, size);
        found->name[size] = 0;
        found->type = name[size] ? DT_DIR : DT_REG;
        found->number = *index;
        return 1;
    }
    return 0;
}

static long next_of_tmp(const char *folder, uint64_t *index, struct found *found)
{
    handle_t tmp;
    struct tmp_entry entry;
    long error = service_tmp(&tmp);
    int64_t status = error ? STATUS_NOT_FOUND : tmp_list(tmp, folder, *index, &entry);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? 0 : tmp_error(status);
    ++*index;
    memcpy(found->name, entry.name, sizeof found->name);
    found->name[sizeof found->name - 1] = 0;
    found->number = entry.number;
    found->type = entry.is_folder ? DT_DIR : entry.is_socket ? DT_SOCK : DT_REG;
    return 1;
}

static long next_of_devices(const char *folder, uint64_t *index, struct found *found)
{
    const uint64_t number = *index < DEVICES_FROM ? 0 : *index - DEVICES_FROM;
    const char *name = strcmp(folder, DEVICE_FOLDER) ? NULL : device_name(number);
    if (!name)
        return 0;
    strcpy(found->name, name);
    found->number = number + 1;
    found->type = DT_CHR;
    *index = DEVICES_FROM + number + 1;
    return 1;
}

/* Positions 0 and 1 are . and .. */
static long next(const char *folder, uint64_t *position, struct found *found)
{
    if (*position < 2) {
        *found = (struct found){.type = DT_DIR, .number = 1};
        strcpy(found->name, *position ? ".." : ".");
        ++*position;
        return 1;
    }
    handle_t files;
    const char *below = path_in_tmp(folder);
    uint64_t index = *position - 2;
    long error = below ? 0 : service_files(&files);
    long status = error ? error : below ? next_of_tmp(below, &index, found) : next_of_image(files, folder, &index, found);
    if (!status && !below)
        status = next_of_devices(folder, &index, found);
    if (status > 0)
        *position = index + 2;
    return status;
}

long file_entries(long number, void *buffer, unsigned long size)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    const char *folder = folder_path(file);
    if (!folder)
        return -ENOTDIR;
    unsigned long used = 0;
    for (;;) {
        struct found found;
        uint64_t position = file->position;
        long status = next(folder, &position, &found);
        if (status <= 0)
            return used ? (long)used : status;
        unsigned long length = (offsetof(struct dirent, d_name) + strlen(found.name) + 1 + 7) & ~7ul;
        if (used + length > size)
            return used ? (long)used : -EINVAL;
        struct dirent *entry = (void *)((char *)buffer + used);
        entry->d_ino = found.number;
        entry->d_off = (off_t)position;
        entry->d_reclen = (unsigned short)length;
        entry->d_type = found.type;
        strcpy(entry->d_name, found.name);
        used += length;
        file->position = position;
    }
}
