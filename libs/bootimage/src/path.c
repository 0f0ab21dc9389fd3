/* Paths of POSIX in the image, whose files have whole names and no folders of their own. */
#include <bootimage/archive.h>
#include <string.h>

#define NAME_SIZE 96 /* of a file's name, its NUL included: what the packer allows */

/* A name in the making; "" is the root. */
struct place {
    char name[NAME_SIZE];
    size_t length;
};

static bool is_folder(const struct archive *archive, const struct place *place)
{
    if (!place->length)
        return true;
    for (uint32_t i = 0; i < archive->header->file_count; i++) {
        const char *name = archive_string(archive, archive->files[i].name);
        if (strncmp(name, place->name, place->length) == 0 && name[place->length] == '/')
            return true;
    }
    return false;
}

static enum archive_path find(const struct archive *archive, const struct place *place, const struct image_file **file)
{
    const struct image_file *found = place->length ? archive_find(archive, place->name) : NULL;
    if (!found)
        return is_folder(archive, place) ? ARCHIVE_PATH_FOLDER : ARCHIVE_PATH_NOT_FOUND;
    *file = found;
    return ARCHIVE_PATH_FILE;
}

static void leave(struct place *place)
{
    while (place->length && place->name[--place->length] != '/')
        ;
    place->name[place->length] = 0;
}

/* False: no file has a name as long. */
static bool enter(struct place *place, const char *part, size_t length)
{
    size_t slash = place->length > 0;
    if (length >= NAME_SIZE - place->length - slash)
        return false;
    if (slash)
        place->name[place->length++] = '/';
    memcpy(place->name + place->length, part, length);
    place->length += length;
    place->name[place->length] = 0;
    return true;
}

enum archive_path archive_resolve(const struct archive *archive, const char *path, const struct image_file **file)
{
    struct place place = {.length = 0};
    enum archive_path found = *path ? ARCHIVE_PATH_FOLDER : ARCHIVE_PATH_NOT_FOUND;
    const struct image_file *last = NULL;
    while (*path) {
        /* A slash, a dot and two dots stand behind a folder alone. */
        while (*path == '/')
            path++;
        const char *part = path;
        while (*path && *path != '/')
            path++;
        size_t length = (size_t)(path - part);
        if (found != ARCHIVE_PATH_FOLDER)
            return found == ARCHIVE_PATH_FILE ? ARCHIVE_PATH_NOT_A_FOLDER : found;
        if (length == 0 || (length == 1 && part[0] == '.'))
            continue;
        if (length == 2 && part[0] == '.' && part[1] == '.')
            leave(&place);
        else if (!enter(&place, part, length))
            return ARCHIVE_PATH_NOT_FOUND;
        else
            found = find(archive, &place, &last);
    }
    if (found == ARCHIVE_PATH_FILE)
        *file = last;
    return found;
}
