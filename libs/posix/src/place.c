/* Paths that need a closer look: below /tmp, from a folder that is open, and folders, whose paths are kept. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "descriptor.h"

static char folders[FOLDERS][FOLDER_PATH];

const char *folder_path(const struct descriptor *folder)
{
    return folder->kind == FOLDER ? folders[folder->opened.number] : NULL;
}

long path_at(long directory, const char *text, struct path *path)
{
    const char *base = working_folder;
    if (directory != AT_FDCWD && *text != '/') {
        const struct descriptor *folder = descriptor_of(directory);
        base = folder ? folder_path(folder) : NULL;
        if (!base)
            return folder ? -ENOTDIR : -EBADF;
    }
    return path_resolve(base, text, path);
}

/* Keep the path of a folder that is opened. */
static long keep_folder(struct descriptor *opened, const char *path)
{
    for (unsigned place = 0; place < FOLDERS; place++) {
        if (folder_is_used(place))
            continue;
        if (strlen(path) >= FOLDER_PATH)
            return -ENAMETOOLONG;
        strcpy(folders[place], path);
        opened->opened.number = place;
        return 0;
    }
    return -EMFILE;
}

/* A whole path goes to the service as it is, which looks at each part of it. */
static const char *image_text(long directory, const char *text, const struct path *path)
{
    return *text == '/' || (directory == AT_FDCWD && !*working_folder) ? text : *path->text ? path->text : "/";
}

long place_refuse(struct path *path)
{
    struct descriptor folder;
    char *slash = strrchr(path->text, '/');
    *(slash ? slash : path->text) = 0;
    const long error = image_open(*path->text ? path->text : "/", O_RDONLY, &folder);
    if (!error)
        descriptor_release(&folder);
    return error ? error : folder.kind == FOLDER ? -EROFS : -ENOTDIR;
}

/* For what is not in the image, whose service answered `error`: what is there all the same, or a closer reason. */
static long beside(struct path *path, long flags, struct descriptor *opened, long error)
{
    const long found = device_open(path->text, flags, opened);
    if (!found && path->is_folder && opened->kind != FOLDER)
        return -ENOTDIR;
    return found != -ENOENT ? found : error == -EROFS ? place_refuse(path) : error;
}

long place_open(long directory, const char *text, long flags, struct descriptor *opened)
{
    struct path path;
    long error = path_at(directory, text, &path);
    if (error)
        return error;
    const char *below = path_in_tmp(path.text);
    error = below ? tmp_file_open(below, flags, opened) : image_open(image_text(directory, text, &path), flags, opened);
    if (error && !below)
        error = beside(&path, flags, opened, error);
    if (error)
        return error;
    if (opened->kind == FOLDER)
        return (flags & O_ACCMODE) != O_RDONLY ? -EISDIR : keep_folder(opened, path.text);
    return (flags & O_DIRECTORY) || path.is_folder ? -ENOTDIR : 0;
}

long place_status(long directory, const char *text, struct stat *status)
{
    struct path path;
    long error = path_at(directory, text, &path);
    if (error)
        return error;
    const char *below = path_in_tmp(path.text);
    struct descriptor other = {.kind = CLOSED};
    if (!below) {
        error = image_status(image_text(directory, text, &path), status);
        error = error ? beside(&path, O_RDONLY, &other, error) : 0;
        return error || other.kind == CLOSED ? error : descriptor_status(&other, status);
    }
    error = tmp_file_status(below, status);
    return !error && path.is_folder && !S_ISDIR(status->st_mode) ? -ENOTDIR : error;
}

long place_look(const struct descriptor *folder, struct stat *status)
{
    const char *below = path_in_tmp(folder_path(folder));
    return below ? tmp_file_status(below, status) : image_status(*folder_path(folder) ? folder_path(folder) : "/", status);
}
